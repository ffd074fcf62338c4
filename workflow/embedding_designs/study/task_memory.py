"""The memory that evaluating a task takes besides the model; docs/cost.md explains the terms."""

from .task_sizes import Side, task_sizes

TEXT = 3  # bytes per character of a task: the text, its copy in MTEB, and that of its tokens
EMBEDDED = 4  # bytes per number of an embedding: float32
COMPARED = 10  # bytes per number of a searched document: float16, and two float32 copies
KEY = 16  # bytes per embedded text
BLOCK = 50_000  # documents searched at a time, as in MTEB
FOUND, FOUND_BYTES = 1_000, 250  # best documents kept per query, in MTEB's lists
CANDIDATES, CANDIDATE_BYTES = 41, 310  # per query of a reranking, as in MindSmallReranking, the largest


def task_memory(task: str, benchmark: str | None, dimensions: int) -> float:
    """Return the bytes that the texts, embeddings, and results of a task take; 0 if its sizes are not known.

    dimensions: numbers per embedding. The documents of a search are on disk, except for a block of them.
    """
    sides = {side.side: side for side in task_sizes(benchmark).get(task, [])}
    keys = KEY * sum(side.unique for side in sides.values())
    if {"documents", "queries"} <= sides.keys():
        return keys + _search(sides["documents"], sides["queries"], dimensions)
    texts = sum(TEXT * side.characters * side.unique for side in sides.values())
    return keys + texts + EMBEDDED * dimensions * max((side.unique for side in sides.values()), default=0)


def _search(documents: Side, queries: Side, dimensions: int) -> float:
    block = min(documents.unique, BLOCK)
    texts = TEXT * (documents.characters * block + queries.characters * queries.unique)
    if queries.category == "Reranking":  # all documents are kept, and the queries compared one by one
        embeddings = EMBEDDED * dimensions * (documents.unique + queries.unique)
        return texts + embeddings + CANDIDATE_BYTES * min(CANDIDATES, documents.unique) * queries.texts
    compared = COMPARED * dimensions * block + EMBEDDED * (dimensions + block) * queries.unique
    return texts + compared + FOUND_BYTES * min(FOUND, documents.unique) * queries.texts
