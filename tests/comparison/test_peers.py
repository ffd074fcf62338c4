"""The examples of other packages for the same purpose: their printed numbers, or why ours differ."""

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs

from embedding_designs import statistics


def pairs_that_differ(pairs: list[dict], key: str) -> list[tuple[str, str]]:
    return [(pair["first"], pair["second"]) for pair in pairs if pair[key]]


def order(scores: pd.DataFrame) -> list[str]:
    return statistics.rank_designs(scores).mean().sort_values(kind="stable").index.tolist()


def autorank_example() -> pd.DataFrame:
    """Return the data of autorank's README: six populations, 50 samples, NumPy's seed 42."""
    random = np.random.RandomState(42)
    means = [0.2, 0.3, 0.5, 0.8, 0.85, 0.9]
    return pd.DataFrame({f"pop_{i}": random.normal(mean, 0.3, 50).clip(0, 1) for i, mean in enumerate(means)})


def test_autorank():
    """https://github.com/sherbold/autorank, README.md: the section Usage Example."""
    scores = autorank_example()
    printed = {"pop_5": 2.18, "pop_4": 2.29, "pop_3": 2.47, "pop_2": 3.95, "pop_1": 4.71, "pop_0": 5.40}
    assert statistics.rank_designs(scores).mean().to_dict() == pytest.approx(printed)
    assert statistics.friedman(scores)["p"] == pytest.approx(2.3412212612346733e-28)
    nemenyi = statistics.nemenyi(scores, 0.05)
    # autorank takes q from a table of three decimals, and prints 1.0662484
    assert nemenyi["critical_difference"] == pytest.approx(1.0662484349869374, abs=2e-5)
    groups = statistics.cliques(order(scores), pairs_that_differ(nemenyi["pairs"], "significant"))
    assert groups == [["pop_5", "pop_4", "pop_3"], ["pop_2", "pop_1"], ["pop_1", "pop_0"]]


# https://github.com/maximtrp/scikit-posthocs, README.rst: the section Block design.
FERTILIZERS = pd.DataFrame(
    [
        [8.82, 11.8, 10.37, 12.08],
        [8.92, 9.58, 10.59, 11.89],
        [8.27, 11.46, 10.24, 11.6],
        [8.83, 13.25, 8.33, 11.51],
    ]
)


def test_scikit_posthocs():
    friedman = statistics.friedman(FERTILIZERS)
    assert friedman["chi_square"] == pytest.approx(8.7)
    assert friedman["p"] == pytest.approx(0.03355726870553798)
    found = statistics.nemenyi(FERTILIZERS, 0.05)["pairs"]
    # The README is of a version that interpolated in a table of quantiles, which is coarse for large p.
    printed = [0.220908, 0.823993, 0.031375, 0.670273, 0.823993, 0.220908]
    assert [pair["p"] for pair in found] == pytest.approx(printed, abs=0.025)
    small = [pair["p"] for pair in found if pair["p"] < 0.5]
    assert small == pytest.approx([0.220908, 0.031375, 0.220908], rel=1e-3)
    # The current version agrees in all digits.
    current = scikit_posthocs.posthoc_nemenyi_friedman(FERTILIZERS)
    for pair in found:
        assert pair["p"] == pytest.approx(current.at[pair["first"], pair["second"]], abs=1e-9)


# https://github.com/hfawaz/cd-diagram, example.csv: accuracies, rounded here to four decimals, with the ties
# of the file. The README of https://github.com/mirkobunse/critdd has the same example.
CLASSIFIERS = pd.DataFrame(
    [
        [.6901, .5231, .8198, .4835, .4549], [.9014, .2667, .8645, .8486, .8377],
        [.5357, .9286, 1.000, 1.000, 1.000], [.5920, .5960, .7720, .5760, .8200],
        [.6641, .6205, .8410, .5897, .7949], [.5846, .6590, .8385, .5974, .7667],
        [.6385, .6128, .8590, .6308, .8026], [.0179, .4066, .8031, .4143, .8389],
        [.3029, .6629, .8400, .7943, .8229], [.2000, .5000, .7000, .6667, .7000],
        [.5000, .7500, .8500, .8500, .9000], [.5000, .9000, .9000, .8000, 1.000],
        [.2333, .7667, .9000, .8000, .9000], [.3333, .9156, .9978, .8611, .9944],
        [.5326, .5497, .8732, .8125, .8237],
    ],
    columns=[f"clf{number}" for number in range(1, 6)],
)  # fmt: skip


def test_critdd_and_cd_diagram():
    """The diagram in the README of cd-diagram: ranks as drawn, and two groups by Wilcoxon with Holm."""
    drawn = {"clf3": 1.53, "clf5": 2.0, "clf4": 3.5, "clf2": 3.77, "clf1": 4.2}
    assert statistics.rank_designs(CLASSIFIERS).mean().to_dict() == pytest.approx(drawn, abs=0.005)
    differing = pairs_that_differ(statistics.wilcoxon(CLASSIFIERS, 0.05), "significant_holm")
    groups = statistics.cliques(order(CLASSIFIERS), differing)
    assert groups == [["clf3", "clf5"], ["clf4", "clf2", "clf1"]]


# critdd/tests/stats.py: examples 12.12, 12.13, and assignment Q12.8 of a statistics course.
CATALYSTS = pd.DataFrame([[84.5, 78.4, 83.1], [82.8, 79.1, 79.9], [79.1, 78.0, 77.8], [80.2, 76.0, 77.9]])
TREES = pd.DataFrame([[6, 4, 3, 3], [4, 3, 3, 2], [4, 2, 1, 1], [2, 1, 2, 1]]).T


@pytest.mark.parametrize(
    ("scores", "chi_square", "significant"), [(CATALYSTS, 6.5, True), (CATALYSTS.T, 7.4, False)]
)
def test_friedman_of_critdd(scores, chi_square, significant):
    friedman = statistics.friedman(scores)
    assert friedman["chi_square"] == pytest.approx(chi_square)
    assert (friedman["p"] < 0.05) is significant


def test_friedman_of_critdd_has_no_correction_for_ties():
    assert statistics.friedman(TREES, correct_ties=False)["chi_square"] == pytest.approx(9.525)
    corrected = statistics.friedman(TREES)["chi_square"]  # sum of squared deviations: 18.5, without ties 20
    assert corrected == pytest.approx(9.525 * 20 / 18.5)


def test_groups_of_aeon_join_pairs_that_differ():
    """aeon/benchmarking/tests/test_critical_difference.py, test_build_cliques, the third and fifth matrix."""
    alike = [{0, 1}, {2, 3}, {2, 4}, {3, 4}, {3, 5}, {4, 5}]
    differing = [(i, j) for i in range(8) for j in range(i + 1, 8) if {i, j} not in alike]
    # aeon prints 0-1 and 2-3-4-5, although 2 and 5 differ
    assert statistics.cliques(range(8), differing) == [[0, 1], [2, 3, 4], [3, 4, 5]]
    every = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    assert statistics.cliques(range(6), every) == []
