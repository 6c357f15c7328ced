"""The gate: what a check may ask, what it looks at, and how it is decided."""
