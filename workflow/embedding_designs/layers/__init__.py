"""Analyzes the layers of a model: how similar they are, how each one scores, which ones a pooling reads."""
