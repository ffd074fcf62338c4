"""Docstrings, training rows, and tasks made of docstrings."""
