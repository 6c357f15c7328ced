"""assay compare."""
