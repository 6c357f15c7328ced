"""Mitigation: candidates that are made to treat groups more alike."""
