"""Statistics of a table of scores: tests, tables, sentences."""
