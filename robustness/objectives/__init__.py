"""Training objectives, one to a file."""
