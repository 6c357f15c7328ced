"""White-box attacks on word embeddings: one attack a file, found by ``attacks.registry``."""
