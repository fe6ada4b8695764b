"""The AI Search generation of the wire."""
