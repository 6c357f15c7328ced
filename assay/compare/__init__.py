"""Runs side by side: what differs for sure, and what may be chance."""
