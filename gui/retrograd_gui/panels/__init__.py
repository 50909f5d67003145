"""One dock a file."""
