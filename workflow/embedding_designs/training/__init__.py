"""Trains bases and designs: the model of a run, its rows, loss, processes, checkpoints and log."""
