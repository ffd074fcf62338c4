"""A small study for the tests of designs: the paper's five designs, three seeds, and six tasks.

The numbers that tests expect for it are from R 4.2. In the R code, `l` is the long table (y, D design,
S seed, T task, R = D and S together), `r` its mean over tasks for each D and S, and `t` the matrix of its
means over seeds, with one column per design.
"""

import numpy as np
import pandas as pd

TABLE = """
eos-causal   1 0.533 0.651 0.650 0.432 0.494 0.461
eos-causal   2 0.538 0.629 0.657 0.425 0.527 0.456
eos-causal   3 0.511 0.636 0.624 0.416 0.497 0.448
last-causal  1 0.509 0.644 0.620 0.454 0.492 0.456
last-causal  2 0.554 0.630 0.641 0.479 0.501 0.446
last-causal  3 0.546 0.632 0.635 0.488 0.481 0.453
last-bi      1 0.551 0.719 0.690 0.509 0.523 0.493
last-bi      2 0.540 0.699 0.641 0.440 0.512 0.464
last-bi      3 0.538 0.681 0.650 0.462 0.517 0.471
multi-causal 1 0.437 0.601 0.615 0.410 0.411 0.451
multi-causal 2 0.445 0.619 0.588 0.394 0.397 0.438
multi-causal 3 0.498 0.612 0.607 0.434 0.432 0.447
multi-bi     1 0.560 0.677 0.664 0.500 0.538 0.479
multi-bi     2 0.549 0.630 0.614 0.490 0.501 0.472
multi-bi     3 0.584 0.703 0.673 0.525 0.539 0.489
"""

FACTORS = pd.DataFrame(
    {
        "pooling": ["eos", "last", "last", "multi", "multi"],
        "attention": ["causal", "causal", "bi", "causal", "bi"],
    },
    index=["eos-causal", "last-causal", "last-bi", "multi-causal", "multi-bi"],
)


def five_designs() -> pd.DataFrame:
    """Return the runs, with one row per design and seed and one column per task."""
    rows = [line.split() for line in TABLE.strip().splitlines()]
    index = pd.MultiIndex.from_tuples([(row[0], int(row[1])) for row in rows], names=["design", "seed"])
    return pd.DataFrame([[float(x) for x in row[2:]] for row in rows], index, [f"t{i}" for i in range(1, 7)])


def make_runs(scores: np.ndarray) -> pd.DataFrame:
    """Return the runs of designs d0, d1, … from scores, (designs, seeds, tasks)."""
    k, n, m = scores.shape
    index = pd.MultiIndex.from_product([[f"d{i}" for i in range(k)], range(n)], names=["design", "seed"])
    return pd.DataFrame(scores.reshape(k * n, m), index, [f"t{i}" for i in range(m)])


def average_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the scores averaged over seeds, with one row per task and one column per design."""
    return runs.groupby(level=0, sort=False).mean().T.round(6)
