"""Pure measures of ranking quality."""
