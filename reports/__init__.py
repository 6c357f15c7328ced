"""Turns results into pages and files. Computes no metric."""
