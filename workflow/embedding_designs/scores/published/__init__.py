"""Scores that others made: their sources, tasks and formats."""
