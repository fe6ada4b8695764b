"""The stages of a search; none knows another."""
