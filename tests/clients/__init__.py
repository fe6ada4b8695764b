"""Clients that are not written in Python: a Node, the packages of ``package.json``, and scripts that use them."""
