"""Which pooling and attention design makes the better LLM-based embedding model?

Each rule of the workflow calls one module here as `python -m embedding_designs.<module>`.
"""
