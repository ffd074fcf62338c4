"""The inner parts of a training: its rows, loss, processes, checkpoints and log."""
