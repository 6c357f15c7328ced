"""Who the model fails: group metrics and disparities, with intervals."""
