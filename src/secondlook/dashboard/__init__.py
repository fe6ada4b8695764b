"""The dashboard: pages for a browser, which is a client of the public API like any other."""
