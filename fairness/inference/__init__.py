"""Intervals and tests for differences between groups."""
