"""Counterfactual fairness: the same text about somebody else."""
