"""Evaluates runs and baselines on MTEB tasks: tasks, encoder, devices, and stored embeddings."""
