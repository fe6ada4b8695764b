"""What is remembered: the catalogue and the blobs."""
