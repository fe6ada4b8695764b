"""Secondlook: a self-hosted AI search server that takes a second look at every search result."""

__version__ = "0.1.0"
