"""The methods of mitigation, one file each."""
