"""The command line: `main.py` and one file for each command; the only place that prints."""
