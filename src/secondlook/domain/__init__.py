"""The values that travel through a search; plain Python, no input or output."""
