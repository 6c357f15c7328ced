"""What the pytest plugin does once it is used; ``assay.pytest_plugin`` alone is imported at every start."""
