"""The behavioural tests that change texts, one file each."""
