"""assay init."""
