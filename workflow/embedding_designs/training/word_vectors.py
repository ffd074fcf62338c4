"""Word vectors from co-occurrence counts: initial embeddings for a base too small to learn them."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

WINDOW = 8  # tokens to either side that count as context
CONTEXT_SMOOTHING = 0.75  # as in Levy, Goldberg and Dagan (2015)


def word_vectors(texts: Sequence[Sequence[int]], vocabulary: int, dimension: int) -> np.ndarray:
    """Return one vector per token, (vocabulary, dimension), with a mean square of 1; zero for unseen tokens.

    texts: token numbers of each text. The vectors are a truncated SVD of the positive pointwise mutual
    information of tokens and contexts (Levy and Goldberg, 2014: what word2vec factorizes).
    """
    information = positive_information(cooccurrences(texts, vocabulary))
    left, strengths, _ = randomized_svd(information, dimension, n_iter=3, random_state=0)
    vectors = left * np.sqrt(strengths)
    return vectors / np.sqrt((vectors**2).mean())


def cooccurrences(texts: Sequence[Sequence[int]], vocabulary: int) -> sparse.csr_matrix:
    """Return how often two tokens are within WINDOW of each other: symmetric, (vocabulary, vocabulary)."""
    stream = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    counts = sparse.csr_matrix((vocabulary, vocabulary))
    for distance in range(1, WINDOW + 1):
        together = text_of[:-distance] == text_of[distance:]
        pairs = stream[:-distance][together], stream[distance:][together]
        ones = np.ones(len(pairs[0]))
        counts += sparse.coo_matrix((ones, pairs), shape=counts.shape).tocsr()
    return counts + counts.T


def positive_information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the positive pointwise mutual information, with smoothed context frequencies."""
    totals = np.asarray(counts.sum(axis=1)).ravel()
    contexts = totals**CONTEXT_SMOOTHING / (totals**CONTEXT_SMOOTHING).sum()
    cells = counts.tocoo()
    information = np.log(cells.data / (totals[cells.row] * contexts[cells.col]))
    return sparse.csr_matrix((np.maximum(information, 0), (cells.row, cells.col)), shape=counts.shape)
