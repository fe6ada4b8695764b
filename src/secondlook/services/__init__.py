"""Use cases: what the wire and the command line ask for."""
