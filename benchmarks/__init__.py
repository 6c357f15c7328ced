"""Measurements; what was measured, on which machine, stands in RESULTS.md."""
