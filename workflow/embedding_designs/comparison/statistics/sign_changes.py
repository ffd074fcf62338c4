"""Sign changes of complete tasks: how far one model would lead another if no two models differed.

If models do not differ on tasks like these, all differences of a task might as well have had the opposite
sign. The lead of one model over another is u = (sum of d) / sqrt(N sum of d^2) over their differences d on N
tasks, from -1 to 1. It grows with the paired t, which is u sqrt((N - 1) / (1 - u^2)), and a sign change does
not affect its denominator: a draw needs one sum for each model, not one for each pair.
"""

from functools import cache

import numpy as np

from .finite import finite

DRAWS = 10_000  # sign changes of more than 13 tasks are drawn; with fewer, all 2^N are used
AT_ONCE = 2_000_000  # leads held in memory at a time
TOLERANCE = 1e-9  # leads closer than this are equal: one may have been summed in another order


@finite
def leads(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the observed leads (models, models), and the largest leads over each model (draws, models).

    values: (tasks, models), in integers, so that ties are exact; higher is better. Entry [i, j] of the
    observed leads is the lead of j over i; equal models have a lead of 0, and so has a model over itself. The
    first draw changes no sign. A sign change and its opposite are always drawn together.
    """
    n_tasks, n_models = values.shape
    signs = _sign_changes(n_tasks, seed)
    values = values[_order_of_tasks(values)]
    scale = _scale(values)
    sums = signs @ values
    largest = np.empty((2, len(signs), n_models))
    step = max(1, AT_ONCE // n_models**2)
    for start in range(0, len(signs), step):
        part = sums[start : start + step]
        drawn = (part[:, None, :] - part[:, :, None]) * scale
        largest[0, start : start + step] = drawn.max(axis=2)
        largest[1, start : start + step] = -drawn.min(axis=2)  # the opposite sign change
    return (sums[0] - sums[0][:, None]) * scale, largest.reshape(-1, n_models)


@finite
def leads_over(values: np.ndarray, model: int, seed: int = 0) -> np.ndarray:
    """Return the largest leads over one model only (draws); the first one is the observed one."""
    values = values[_order_of_tasks(values)]
    differences = values - values[:, [model]]
    squares = np.square(differences).sum(axis=0) * len(values)
    scale = np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
    drawn = _sign_changes(len(values), seed) @ differences * scale
    return np.concatenate([drawn.max(axis=1), -drawn.min(axis=1)])


def smallest_p(n_tasks: int) -> float:
    """Return the smallest p of a test by sign changes, the share of the unchanged signs."""
    return 1 / (2 * len(_sign_changes(n_tasks, 0)))


@cache
def _sign_changes(n_tasks: int, seed: int) -> np.ndarray:
    """Return one of every two opposite sign changes: (half the draws, tasks), first the unchanged signs."""
    if 2**n_tasks <= DRAWS:
        bits = np.arange(2 ** (n_tasks - 1))[:, None] >> np.arange(n_tasks) & 1
        return 1.0 - 2 * bits
    drawn = np.random.default_rng(seed).choice([-1.0, 1.0], (DRAWS // 2, n_tasks))
    drawn[0] = 1
    return drawn


def _order_of_tasks(values: np.ndarray) -> np.ndarray:
    """Return an order of the tasks by their values, so that drawn signs do not depend on that in the table.

    The models are ordered first, by their sorted values, because their order must not matter either.
    """
    models = np.lexsort(np.sort(values, axis=0))
    return np.lexsort(values[:, models].T)


def _scale(values: np.ndarray) -> np.ndarray:
    """Return 1 / sqrt(N sum of d^2) for each pair, and 0 for models without any difference."""
    squares = np.square(values[:, :, None] - values[:, None, :]).sum(axis=0) * len(values)
    return np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
