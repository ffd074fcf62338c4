"""Tables and numbers from the literature or printed by R, which tests in several files expect."""

import numpy as np
import pandas as pd

# Demsar (2006, JMLR 7:1-30), table 6: AUC of C4.5 on 14 data sets, without and with tuning of m and cf.
# On the 13th, the paper prints .975 twice but ranks them 2 and 3, so a digit lost to rounding is restored.
DEMSAR = pd.DataFrame(
    {
        "C4.5": [.763, .599, .954, .628, .882, .936, .661, .583, .775, 1, .940, .619, .972, .957],
        "C4.5+m": [.768, .591, .971, .661, .888, .931, .668, .583, .838, 1, .962, .666, .981, .978],
        "C4.5+cf": [.771, .590, .968, .654, .886, .916, .609, .563, .866, 1, .965, .614, .9751, .946],
        "C4.5+m+cf": [.798, .569, .967, .657, .898, .931, .685, .625, .875, 1, .962, .669, .975, .970],
    }
)  # fmt: skip

# Hollander and Wolfe (1973), p. 140: seconds of 22 runners to second base with three ways of rounding first
# base (the example of R's friedman.test, which prints chi-squared = 11.143, df = 2, p-value = 0.003805).
ROUNDING_TIMES = pd.DataFrame(
    [
        [5.40, 5.50, 5.55], [5.85, 5.70, 5.75], [5.20, 5.60, 5.50], [5.55, 5.50, 5.40], [5.90, 5.85, 5.70],
        [5.45, 5.55, 5.60], [5.40, 5.40, 5.35], [5.45, 5.50, 5.35], [5.25, 5.15, 5.00], [5.85, 5.80, 5.70],
        [5.25, 5.20, 5.10], [5.65, 5.55, 5.45], [5.60, 5.35, 5.45], [5.05, 5.00, 4.95], [5.50, 5.50, 5.40],
        [5.45, 5.55, 5.50], [5.55, 5.55, 5.35], [5.45, 5.50, 5.55], [5.50, 5.45, 5.25], [5.65, 5.60, 5.40],
        [5.70, 5.65, 5.55], [6.30, 6.30, 6.25],
    ],
    columns=["round out", "narrow angle", "wide angle"],
)  # fmt: skip

# Hollander and Wolfe (1973), p. 29: Hamilton depression scale of nine patients at two visits (the example
# of R's wilcox.test, which prints V = 40, and p-value = 0.03906 two-sided).
DEPRESSION = pd.DataFrame(
    {
        "first": [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
        "second": [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
    }
)

# Sachs (1997), Angewandte Statistik, p. 675: sodium in the urine of six persons after six diuretics (the
# example of R's PMCMRplus).
SACHS = pd.DataFrame(
    {
        "A": [3.88, 5.64, 5.76, 4.25, 5.91, 4.33],
        "B": [30.58, 30.14, 16.92, 23.19, 26.74, 10.91],
        "C": [25.24, 33.52, 25.45, 18.85, 20.45, 26.67],
        "D": [4.44, 7.94, 4.04, 4.4, 4.23, 4.36],
        "E": [29.41, 30.72, 32.92, 28.23, 23.35, 12],
        "F": [38.87, 33.12, 39.15, 28.06, 38.23, 26.65],
    }
)

# Garcia and Herrera (2008, JMLR 9:2677-2694): five classifiers on 30 data sets have the average ranks 2.100,
# 3.250, 2.200, 4.333, and 3.117. These rows of ranks are not theirs but have the same averages, which are all
# that tests without tie correction depend on.
GARCIA_HERRERA_RANKS = np.repeat(
    [[1, 3.5, 2, 5, 3.5], [1, 4, 2, 5, 3], [1, 5, 3, 4, 2], [2, 3, 5, 4, 1], [5, 1, 2, 3, 4]],
    [1, 17, 3, 1, 8],
    axis=0,
)
GARCIA_HERRERA = pd.DataFrame(
    (6 - GARCIA_HERRERA_RANKS) / 10, columns=["C4.5", "1-NN", "NaiveBayes", "Kernel", "CN2"]
)
# p of each pair by the normal approximation, as R's scmamp prints it for their data (help of friedmanPost)
GARCIA_HERRERA_P = {
    ("C4.5", "1-NN"): 4.848763e-03,
    ("C4.5", "NaiveBayes"): 8.064959e-01,
    ("C4.5", "Kernel"): 4.486991e-08,
    ("C4.5", "CN2"): 1.276301e-02,
    ("1-NN", "NaiveBayes"): 1.011233e-02,
    ("1-NN", "Kernel"): 7.963489e-03,
    ("1-NN", "CN2"): 7.439715e-01,
    ("NaiveBayes", "Kernel"): 1.736118e-07,
    ("NaiveBayes", "CN2"): 2.474467e-02,
    ("Kernel", "CN2"): 2.880485e-03,
}


def random_scores(n_tasks: int, n_designs: int, seed: int, decimals: int = 6) -> pd.DataFrame:
    """Return scores with an effect of the design; with few decimals, some are tied."""
    random = np.random.default_rng(seed)
    scores = random.normal(0.5, 0.1, (n_tasks, n_designs)) + np.linspace(0, 0.1, n_designs)
    return pd.DataFrame(scores.round(decimals), columns=[f"d{index}" for index in range(n_designs)])


UNTESTABLE = [
    (pd.DataFrame([[0.5] * 3] * 4, columns=list("abc")), "same on every task"),
    (pd.DataFrame([[0.1, 0.2, 0.3]], columns=list("abc")), "single task"),
    (pd.DataFrame({"a": [0.1, 0.2]}), "only one, so"),
]
