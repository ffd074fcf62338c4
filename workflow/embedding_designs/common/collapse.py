"""Recognizes a collapsed run, whose embeddings are all nearly equal, by its held-out loss."""

from collections.abc import Sequence
from math import log

MARGIN = 0.02  # relative distance from ln(documents)
FEWEST = 2  # evaluations; a short training may start near ln(documents) and leave it later


def has_collapsed(losses: Sequence[float], documents: int) -> bool:
    """Return whether a run's held-out losses all stay within 2% of ln(documents).

    documents: the number of documents, positives and negatives of its batch, that a query is compared with.
    If all embeddings are equal, each document has the probability 1/documents, and the loss is ln(documents).
    """
    if documents < 2 or len(losses) < FEWEST:
        return False
    level = log(documents)
    return all(abs(loss - level) <= MARGIN * level for loss in losses)


def collapse_in_words(documents: int) -> str:
    """Return what a collapse means, as a phrase."""
    return (
        f"held-out loss always within {MARGIN:.0%} of ln {documents} = {log(documents):.2f}, the loss if all "
        "embeddings are equal"
    )
