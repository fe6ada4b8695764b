"""Retrieval engines, one file each."""
