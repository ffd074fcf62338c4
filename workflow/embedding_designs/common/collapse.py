"""Recognizes a collapsed run, whose embeddings are all nearly equal, by its held-out loss."""

from collections.abc import Sequence
from math import log

MARGIN = 0.02  # relative distance from ln(documents)
FEWEST = 2  # evaluations; with a single one, a training may still be near its start


def has_collapsed(losses: Sequence[float], documents: int) -> bool:
    """Return whether the last of a run's held-out losses is within 2% of ln(documents).

    documents: the number of documents, positives and negatives of its batch, that a query is compared with.
    If all embeddings are equal, each document has the probability 1/documents, and the loss is ln(documents).
    Before, the loss may have been lower or, with too high a learning rate, higher.
    """
    if documents < 2 or len(losses) < FEWEST:
        return False
    level = log(documents)
    return abs(losses[-1] - level) <= MARGIN * level


def collapse_in_words(documents: int) -> str:
    """Return what a collapse means, as a phrase."""
    return (
        f"final held-out loss within {MARGIN:.0%} of ln {documents} = {log(documents):.2f}, the loss if all "
        "embeddings are equal"
    )
