"""Word lists that the behavioural tests draw from."""
