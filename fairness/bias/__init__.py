"""How the scores of a group rank against those of all others (Borkan et al. 2019)."""
