"""One derivation for each file."""
