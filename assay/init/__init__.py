"""What ``assay init`` does: looks at data, guesses what its columns are, and writes files to start from."""
