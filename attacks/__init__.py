"""Threat models, the victim protocols, and attacks, one to a file. Depends on no other room."""
