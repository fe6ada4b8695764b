"""Public endpoints: the wire that asks for no token."""
