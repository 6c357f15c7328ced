"""The front door: configuration, the audit pipeline, the gate and the command line."""
