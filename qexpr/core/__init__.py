"""The language of the project: queries, claims, sources and what circuits know of a function.

Standard library only.
"""
