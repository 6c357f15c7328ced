"""White-box attacks that end in real text: one attack a file, found by ``attacks.registry``."""
