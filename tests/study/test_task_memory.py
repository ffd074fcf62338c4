"""The memory of a task, against figures that are worked out by hand from the numbers of its texts."""

import pytest

from embedding_designs.study.task_memory import task_memory


def test_a_search_holds_a_block_of_documents_and_the_best_of_each_query():
    """MSMARCO: 8,841,823 documents and 6,980 queries, of 335.8 and 33.3 characters.

    In GB: 2.05 for embeddings of 50,000 documents, 1.40 for their similarities, 1.75 for 1,000 results of
    each query, 0.14 for keys, 0.11 for the queries' embeddings, and 0.05 for texts.
    """
    assert task_memory("MSMARCO", None, 4096) == pytest.approx(5.50e9, rel=0.01)


def test_a_reranking_keeps_the_candidates_of_all_queries():
    """MindSmallReranking: 2,362,514 queries, each with 41 candidates of 310 bytes; 42,439 embeddings."""
    assert task_memory("MindSmallReranking", None, 4096) == pytest.approx(30.7e9, rel=0.01)


def test_all_texts_of_other_tasks_are_embedded_at_once():
    """AmazonPolarityClassification: 400,000 texts of 431 characters, with 4,096 numbers of 4 bytes each."""
    assert task_memory("AmazonPolarityClassification", None, 4096) == pytest.approx(7.08e9, rel=0.01)


def test_a_task_of_unknown_size_counts_nothing():
    assert task_memory("NotATask", None, 4096) == 0
