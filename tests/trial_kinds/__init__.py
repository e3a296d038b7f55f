"""Kinds of cells that only tests run."""
