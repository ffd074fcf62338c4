"""The categories of MTEB tasks that are evaluated: all of MTEB's task types for text.

The schema lists the same names under evaluation.tasks, in this order.
"""

CATEGORIES = (
    "STS", "PairClassification", "Clustering", "Reranking", "Classification", "Retrieval", "Summarization",
    "MultilabelClassification", "Regression", "BitextMining", "InstructionRetrieval", "InstructionReranking",
)  # fmt: skip
SEARCHES = ("Retrieval", "Reranking", "InstructionRetrieval", "InstructionReranking")  # queries and documents
ONLY_QUERIES = ("Retrieval", "InstructionRetrieval", "InstructionReranking")  # documents get no prompt
