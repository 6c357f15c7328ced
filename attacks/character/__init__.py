"""Attacks on the characters of a text that a reader cannot see, one a file."""
