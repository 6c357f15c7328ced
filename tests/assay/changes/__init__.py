"""Changes between audits."""
