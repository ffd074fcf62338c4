"""Whether another layer than the last is better by more than the luck of training.

The best of many layers looks better than it is, because its own luck chose it. So each seed's layer is chosen
by the other seeds.
"""

import numpy as np
from scipy import stats

from .finite import finite
from .runs import NEEDED_SEEDS

TIE = 1e-9  # scores have 6 decimals


@finite
def best_layer(scores: np.ndarray) -> int:
    """Return the place of the highest score, (layers,); the last place if it ties for the highest."""
    return len(scores) - 1 if scores[-1] >= scores.max() - TIE else int(scores.argmax())


@finite
def held_out_gains(scores: np.ndarray) -> np.ndarray:
    """Return, for each seed, the score of the layer that is best in the other seeds, minus the last layer's.

    scores: (seeds, layers); two seeds or more.
    """
    others = (scores.sum(axis=0) - scores) / (len(scores) - 1)
    chosen = [best_layer(means) for means in others]
    return scores[np.arange(len(scores)), chosen] - scores[:, -1]


@finite
def gain_interval(gains: np.ndarray, alpha: float) -> tuple[float, float, float] | None:
    """Return mean, low and high of gains over seeds, by Student's t, or None with fewer than three seeds."""
    if len(gains) < NEEDED_SEEDS:
        return None
    half = stats.t.isf(alpha / 2, len(gains) - 1) * stats.sem(gains)
    return float(gains.mean()), float(gains.mean() - half), float(gains.mean() + half)
