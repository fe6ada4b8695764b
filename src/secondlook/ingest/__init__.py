"""From bytes to text to chunks."""
