"""The constructions, one file each."""
