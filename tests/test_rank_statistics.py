"""Expected numbers come from Demsar (2006, JMLR 7:1-30), hand arithmetic and other implementations."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests

from embedding_designs import rank_statistics

# Demsar's table 6: AUC of C4.5 on 14 data sets, without and with tuning of m and cf. On the 13th he prints
# .975 twice but ranks them 2 and 3, so a digit that he rounded away is put back.
DEMSAR = pd.DataFrame(
    {
        "C4.5": [.763, .599, .954, .628, .882, .936, .661, .583, .775, 1, .940, .619, .972, .957],
        "C4.5+m": [.768, .591, .971, .661, .888, .931, .668, .583, .838, 1, .962, .666, .981, .978],
        "C4.5+cf": [.771, .590, .968, .654, .886, .916, .609, .563, .866, 1, .965, .614, .9751, .946],
        "C4.5+m+cf": [.798, .569, .967, .657, .898, .931, .685, .625, .875, 1, .962, .669, .975, .970],
    }
)  # fmt: skip


def random_scores(n_tasks: int, n_designs: int, seed: int, decimals: int = 6) -> pd.DataFrame:
    """Return scores with an effect of the design; few decimals make ties."""
    random = np.random.default_rng(seed)
    scores = random.normal(0.5, 0.1, (n_tasks, n_designs)) + np.linspace(0, 0.1, n_designs)
    return pd.DataFrame(scores.round(decimals), columns=[f"d{index}" for index in range(n_designs)])


def test_average_ranks_are_those_demsar_prints():
    ranks = rank_statistics.rank_designs(DEMSAR).mean()
    assert ranks.round(3).tolist() == [3.143, 2.000, 2.893, 1.964]


def test_friedman_without_tie_correction_is_the_one_demsar_prints():
    assert rank_statistics.friedman(DEMSAR, correct_ties=False)["chi_square"] == pytest.approx(
        9.28, abs=0.005
    )


def test_iman_davenport_is_the_one_demsar_prints():
    result = rank_statistics.iman_davenport(9.28, n_tasks=14, n_designs=4)
    assert result["f"] == pytest.approx(3.69, abs=0.005)
    assert (result["df1"], result["df2"]) == (3, 39)
    assert stats.f.isf(0.05, 3, 39) == pytest.approx(2.85, abs=0.005)  # the critical value he prints
    assert result["p"] < 0.05


@pytest.mark.parametrize("decimals", [6, 1])
def test_friedman_with_ties_agrees_with_scipy(decimals):
    scores = random_scores(9, 5, seed=1, decimals=decimals)
    expected = stats.friedmanchisquare(*scores.to_numpy().T)
    result = rank_statistics.friedman(scores)
    assert result["chi_square"] == pytest.approx(expected.statistic)
    assert result["p"] == pytest.approx(expected.pvalue)
    assert result["kendall_w"] == pytest.approx(expected.statistic / (9 * 4))


def test_friedman_of_two_designs_is_the_sign_test_by_normal_approximation():
    # 8 wins, 1 loss: (wins - losses)^2 / N = 49 / 9
    scores = pd.DataFrame({"a": [0.0] * 8 + [1.0], "b": [0.5] * 9})
    assert rank_statistics.friedman(scores)["chi_square"] == pytest.approx(49 / 9)


def test_perfect_agreement_has_w_1_and_no_infinite_f():
    scores = pd.DataFrame([[0.1, 0.2, 0.3]] * 4, columns=list("abc"))
    friedman = rank_statistics.friedman(scores)
    assert friedman["kendall_w"] == 1
    assert friedman["chi_square"] == pytest.approx(4 * 2)  # N (k - 1)
    assert rank_statistics.iman_davenport(friedman["chi_square"], 4, 3) == {
        "f": None, "df1": 2, "df2": 6, "p": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(("alpha", "expected"), [(0.05, 1.25), (0.10, 1.12)])
def test_critical_difference_is_the_one_demsar_prints(alpha, expected):
    assert rank_statistics.critical_difference(4, 14, alpha) == pytest.approx(expected, abs=0.005)


def test_critical_values_are_those_of_demsars_table_5():
    printed = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(printed, start=2):
        n = 10
        ours = rank_statistics.critical_difference(k, n, 0.05) / np.sqrt(k * (k + 1) / (6 * n))
        assert ours == pytest.approx(q, abs=0.0015)  # his last digit is off by one twice


def test_nemenyi_finds_the_two_groups_demsar_finds_at_10_percent_and_none_at_5():
    def separated(alpha):
        pairs = rank_statistics.nemenyi(DEMSAR, alpha)["pairs"]
        return {(pair["first"], pair["second"]) for pair in pairs if pair["significant"]}

    assert separated(0.10) == {("C4.5", "C4.5+m"), ("C4.5", "C4.5+m+cf")}
    assert separated(0.05) == set()


@pytest.mark.parametrize(("n_tasks", "n_designs"), [(6, 3), (20, 10), (41, 57)])
def test_nemenyi_agrees_with_scikit_posthocs(n_tasks, n_designs):
    scores = random_scores(n_tasks, n_designs, seed=2, decimals=2)
    expected = scikit_posthocs.posthoc_nemenyi_friedman(scores)
    for pair in rank_statistics.nemenyi(scores, 0.05)["pairs"]:
        assert pair["p"] == pytest.approx(expected.loc[pair["first"], pair["second"]], abs=1e-9)


def test_nemenyi_is_significant_exactly_beyond_the_critical_difference():
    scores = random_scores(25, 8, seed=3) + np.linspace(0, 0.15, 8)
    result = rank_statistics.nemenyi(scores, 0.05)
    ranks = rank_statistics.rank_designs(scores).mean()
    beyond = [
        abs(ranks[p["first"]] - ranks[p["second"]]) >= result["critical_difference"] for p in result["pairs"]
    ]
    assert any(beyond) and not all(beyond)
    assert [pair["significant"] for pair in result["pairs"]] == beyond


def test_overlapping_cliques_are_kept_apart_where_significance_is_not_transitive():
    # a-b-c alike, b-c-d alike, a and d differ: two cliques, not one
    assert rank_statistics.cliques("abcd", [("d", "a")]) == [["a", "b", "c"], ["b", "c", "d"]]


def test_a_clique_holds_no_differing_pair_even_between_neighbours():
    # a and d do not differ, but b and c between them do: no bar may join a and d
    assert rank_statistics.cliques("abcd", [("b", "c")]) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("seed", range(20))
def test_cliques_are_the_maximal_runs_without_a_differing_pair(seed):
    random = np.random.default_rng(seed)
    order = list("abcdefg")
    differing = {pair for pair in combinations(order, 2) if random.random() < 0.25}
    runs = [
        order[i:j]
        for i in range(7)
        for j in range(i + 2, 8)
        if not differing & set(combinations(order[i:j], 2))
    ]  # by brute force
    maximal = [run for run in runs if not any(set(run) < set(other) for other in runs)]
    assert rank_statistics.cliques(order, differing) == maximal


def test_all_designs_differ_and_none_differ():
    assert rank_statistics.cliques("abc", combinations("abc", 2)) == []
    assert rank_statistics.cliques("abc", []) == [["a", "b", "c"]]


def test_wilcoxon_splits_zeros_as_demsar_does():
    # his table 2: R+ = 93 and R- = 12 of 105, z = (12 - 52.5) / sqrt(253.75) = -2.54
    (pair,) = rank_statistics.wilcoxon(DEMSAR[["C4.5", "C4.5+m"]], 0.05)
    assert pair["rank_biserial"] == pytest.approx((12 - 93) / 105)
    assert pair["p_uncorrected"] == pytest.approx(2 * stats.norm.cdf(-2.5425), abs=0.0005)
    assert (pair["wins"], pair["losses"], pair["ties"]) == (2, 10, 2)


@pytest.mark.parametrize("decimals", [6, 2])
def test_wilcoxon_is_exact_over_all_sign_changes(decimals):
    scores = random_scores(8, 2, seed=4, decimals=decimals)
    scores.loc[0, "d0"] = scores.loc[0, "d1"]  # a zero
    (pair,) = rank_statistics.wilcoxon(scores, 0.05)
    differences = (scores["d0"] - scores["d1"]).round(6).to_numpy()
    ranks = stats.rankdata(abs(differences)) * (differences != 0)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 8)).reshape(8, -1)
    extreme = abs(ranks @ signs) >= abs(ranks @ np.sign(differences)) - 1e-9
    assert pair["p_uncorrected"] == pytest.approx(extreme.mean())


def test_true_ties_stay_ties():
    # 0.3 - 0.2 and 0.2 - 0.1 differ in the last bit; as equal differences they share the ranks 1 and 2
    scores = pd.DataFrame({"a": [0.3, 0.1, 0.9], "b": [0.2, 0.2, 0.4]})
    assert 0.3 - 0.2 != 0.2 - 0.1
    (pair,) = rank_statistics.wilcoxon(scores, 0.05)
    assert pair["rank_biserial"] == pytest.approx((1.5 + 3 - 1.5) / 6)


def test_holm_agrees_with_statsmodels():
    pairs = rank_statistics.wilcoxon(random_scores(12, 5, seed=5), 0.05)
    expected = multipletests([pair["p_uncorrected"] for pair in pairs], method="holm")[1]
    assert [pair["p_holm"] for pair in pairs] == pytest.approx(expected)


def test_the_smallest_wilcoxon_p_is_reached_when_all_differences_have_one_sign():
    for n in range(2, 12):
        scores = pd.DataFrame({"a": np.arange(n) / 100 + 0.2, "b": np.arange(n) / 50})
        scores["b"] = scores["a"] - 0.01 - scores["b"] / 3
        (pair,) = rank_statistics.wilcoxon(scores, 0.05)
        assert pair["p_uncorrected"] == pytest.approx(2.0 ** (1 - n))
        assert rank_statistics.smallest_attainable_p(n, 2)["wilcoxon"] == 2.0 ** (1 - n)


@pytest.mark.parametrize(("n_designs", "needed"), [(5, 9), (6, 10), (8, 11), (10, 11), (19, 13)])
def test_tasks_that_wilcoxon_with_holm_needs(n_designs, needed):
    pairs = n_designs * (n_designs - 1) / 2
    assert needed == 1 + int(np.ceil(np.log2(pairs / 0.05)))  # 2^-(N - 1) pairs <= 0.05
    for n_tasks in range(2, 20):
        reached = rank_statistics.smallest_attainable_p(n_tasks, n_designs)["wilcoxon_holm"] <= 0.05
        assert reached == (n_tasks >= needed)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (pd.DataFrame([[0.5] * 3] * 4, columns=list("abc")), "same on every task"),
        (pd.DataFrame([[0.1, 0.2, 0.3]], columns=list("abc")), "single task"),
        (pd.DataFrame({"a": [0.1, 0.2]}), "single design"),
    ],
)
def test_where_nothing_can_be_tested_numbers_are_none_and_the_reason_is_given(scores, reason):
    assert reason in rank_statistics.why_untestable(scores)
    assert set(rank_statistics.friedman(scores).values()) == {None}
    assert set(rank_statistics.iman_davenport(None, *scores.shape).values()) == {None}
    nemenyi = rank_statistics.nemenyi(scores, 0.05)
    assert nemenyi["critical_difference"] is None
    pairs = nemenyi["pairs"] + rank_statistics.wilcoxon(scores, 0.05)
    assert all(pair.get("p") is None and pair.get("p_holm") is None for pair in pairs)
    assert len(pairs) == 2 * len(list(combinations(scores, 2)))


def test_one_pair_that_never_differs_does_not_disturb_the_others():
    scores = random_scores(9, 2, seed=6).assign(twin=lambda table: table["d0"])
    pairs = {(p["first"], p["second"]): p for p in rank_statistics.wilcoxon(scores, 0.05)}
    assert pairs["d0", "twin"]["p_uncorrected"] == 1
    assert pairs["d0", "d1"]["p_uncorrected"] == pytest.approx(
        stats.wilcoxon(scores["d0"], scores["d1"]).pvalue
    )
