"""The table of scores, collected from runs or from published results."""
