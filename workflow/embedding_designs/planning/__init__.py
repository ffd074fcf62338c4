"""Estimates what a study will cost before it runs: time, memory, and disk space."""
