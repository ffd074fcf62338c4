"""Collects the table of scores from runs or published results."""
