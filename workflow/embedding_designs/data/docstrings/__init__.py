"""Docstrings of Python packages as texts, training triplets and MTEB tasks."""
