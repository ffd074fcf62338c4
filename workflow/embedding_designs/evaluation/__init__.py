"""The inner parts of an evaluation: tasks, encoder, devices and stored embeddings."""
