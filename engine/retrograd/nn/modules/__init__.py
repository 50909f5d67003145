"""The modules, one family a file."""
