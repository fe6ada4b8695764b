"""Documents that are no plain text, converted to Markdown; this code runs in a child process only."""
