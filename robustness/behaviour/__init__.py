"""Behavioural tests of a text classifier: minimum functionality, invariance, directional expectations."""
