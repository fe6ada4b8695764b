"""Embedders, rerankers and generators."""
