"""Figures, the findings page and model cards."""
