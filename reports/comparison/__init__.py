"""Two or more audits side by side: what differs between them, and which differences are established."""
