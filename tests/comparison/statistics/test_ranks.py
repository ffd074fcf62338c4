"""Expected numbers come from the literature, R, hand arithmetic and other implementations."""

import json
import time
from itertools import combinations

import networkx
import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests

from embedding_designs.comparison.statistics import ranks
from helpers.literature import (
    DEMSAR,
    GARCIA_HERRERA,
    GARCIA_HERRERA_P,
    ROUNDING_TIMES,
    SACHS,
    UNTESTABLE,
    random_scores,
)
from helpers.published_table import mteb_english


def test_average_ranks_are_those_demsar_prints():
    assert ranks.rank_designs(DEMSAR).mean().round(3).tolist() == [3.143, 2.000, 2.893, 1.964]


def test_ranks_are_of_scores_at_the_recorded_precision():
    scores = pd.DataFrame({"a": [0.1 + 0.2, 0.5], "b": [0.3, 0.4]})
    assert 0.1 + 0.2 != 0.3
    assert ranks.rank_designs(scores).to_numpy().tolist() == [[1.5, 1.5], [1, 2]]


def test_friedman_without_tie_correction_is_the_one_demsar_prints():
    result = ranks.friedman(DEMSAR, correct_ties=False)
    assert result["chi_square"] == pytest.approx(9.28, abs=0.005)
    assert result["ties"] == "uncorrected"


def test_iman_davenport_is_the_one_demsar_prints():
    result = ranks.iman_davenport(9.28, n_tasks=14, n_designs=4)
    assert result["f"] == pytest.approx(3.69, abs=0.005)
    assert (result["df1"], result["df2"]) == (3, 39)
    assert stats.f.isf(0.05, 3, 39) == pytest.approx(2.85, abs=0.005)  # the critical value he prints
    assert result["p"] < 0.05


def test_friedman_and_iman_davenport_of_garcia_and_herrera():
    # 12 N / k (k + 1) (sum of squared average ranks - k (k + 1)^2 / 4) with the ranks they print
    friedman = ranks.friedman(GARCIA_HERRERA, correct_ties=False)
    expected = 12 * 30 / 30 * (2.1**2 + 3.25**2 + 2.2**2 + (13 / 3) ** 2 + (187 / 60) ** 2 - 45)
    assert friedman["chi_square"] == pytest.approx(expected)
    # R's scmamp::imanDavenportTest(data.gh.2008): 14.309, df1 = 4, df2 = 116, p-value = 1.593e-09
    result = ranks.iman_davenport(friedman["chi_square"], 30, 5)
    assert result["f"] == pytest.approx(14.309, abs=0.0005)
    assert (result["df1"], result["df2"]) == (4, 116)
    assert result["p"] == pytest.approx(1.593e-9, rel=0.0005)


def test_friedman_with_ties_is_the_one_of_hollander_and_wolfe():
    result = ranks.friedman(ROUNDING_TIMES)  # R: friedman.test(RoundingTimes)
    assert result["chi_square"] == pytest.approx(11.143, abs=0.0005)
    assert result["df"] == 2
    assert result["p"] == pytest.approx(0.003805, abs=5e-7)
    assert result["ties"] == "corrected"


def test_friedman_of_sachs():
    result = ranks.friedman(SACHS)  # R: friedman.test(y): chi-squared = 23.333, df = 5, p = 0.00029145976
    assert result["chi_square"] == pytest.approx(23 + 1 / 3)
    assert result["p"] == pytest.approx(0.0002914597502)
    assert result["kendall_w"] == pytest.approx((23 + 1 / 3) / 30)  # chi-square over N (k - 1)


@pytest.mark.parametrize("decimals", [6, 1])
def test_friedman_with_ties_agrees_with_scipy(decimals):
    scores = random_scores(9, 5, seed=1, decimals=decimals)
    expected = stats.friedmanchisquare(*scores.to_numpy().T)
    result = ranks.friedman(scores)
    assert result["chi_square"] == pytest.approx(expected.statistic)
    assert result["p"] == pytest.approx(expected.pvalue)
    assert result["kendall_w"] == pytest.approx(expected.statistic / (9 * 4))


def test_friedman_of_two_designs_is_the_sign_test_by_normal_approximation():
    # 8 wins, 1 loss: (wins - losses)^2 / N = 49 / 9
    scores = pd.DataFrame({"a": [0.0] * 8 + [1.0], "b": [0.5] * 9})
    assert ranks.friedman(scores)["chi_square"] == pytest.approx(49 / 9)


def test_perfect_agreement_has_w_1_and_no_infinite_f():
    scores = pd.DataFrame([[0.1, 0.2, 0.3]] * 4, columns=list("abc"))
    friedman = ranks.friedman(scores)
    assert friedman["kendall_w"] == 1
    assert friedman["chi_square"] == pytest.approx(4 * 2)  # N (k - 1)
    result = ranks.iman_davenport(friedman["chi_square"], 4, 3)
    assert "infinite" in result.pop("reason")
    assert result == {"f": None, "df1": 2, "df2": 6, "p": None}


@pytest.mark.parametrize(("alpha", "expected"), [(0.05, 1.25), (0.10, 1.12)])
def test_critical_difference_is_the_one_demsar_prints(alpha, expected):
    assert ranks.critical_difference(4, 14, alpha) == pytest.approx(expected, abs=0.005)


def test_critical_values_are_those_of_demsars_table_5():
    printed = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, q in enumerate(printed, start=2):
        ours = ranks.critical_difference(k, 10, 0.05) / np.sqrt(k * (k + 1) / 60)
        assert ours == pytest.approx(q, abs=0.0015)  # his last digit is off by one twice


# R 4.2: qtukey(c(.95, .9), k, Inf) / sqrt(2)
QUANTILES = {
    2: (1.959964, 1.644854), 3: (2.343701, 2.052293), 5: (2.727774, 2.459516), 10: (3.163684, 2.919889),
    15: (3.391230, 3.159199), 20: (3.543799, 3.319233), 30: (3.748578, 3.533492), 41: (3.899345, 3.690848),
    57: (4.052654, 3.850527), 100: (4.302489, 4.110056), 180: (4.550198, 4.366593),
}  # fmt: skip


@pytest.mark.parametrize("k", QUANTILES)
def test_critical_values_are_those_of_r(k):
    for alpha, q in zip([0.05, 0.10], QUANTILES[k], strict=True):
        ours = ranks.critical_difference(k, 41, alpha)
        assert ours == pytest.approx(q * np.sqrt(k * (k + 1) / (6 * 41)), rel=1e-6)


def test_nemenyi_finds_the_two_groups_demsar_finds_at_10_percent_and_none_at_5():
    def separated(alpha):
        pairs = ranks.nemenyi(DEMSAR, alpha)["pairs"]
        return {(pair["first"], pair["second"]) for pair in pairs if pair["significant"]}

    assert separated(0.10) == {("C4.5", "C4.5+m"), ("C4.5", "C4.5+m+cf")}
    assert separated(0.05) == set()


def test_nemenyi_of_sachs_is_the_one_of_r():
    # R 4.2: ptukey(gap / sqrt(6 * 7 / 36) * sqrt(2), 6, Inf, lower = FALSE) of the average ranks
    expected = {
        ("A", "B"): 0.188034457, ("A", "C"): 0.091677769, ("A", "D"): 0.999628187, ("A", "E"): 0.039508205,
        ("A", "F"): 0.001598505, ("B", "D"): 0.338765732, ("B", "F"): 0.636251262, ("D", "F"): 0.005190279,
    }  # fmt: skip
    pairs = {(pair["first"], pair["second"]): pair for pair in ranks.nemenyi(SACHS, 0.05)["pairs"]}
    for pair, p in expected.items():
        assert pairs[pair]["p"] == pytest.approx(p, abs=1e-8)
    significant = {pair for pair, result in pairs.items() if result["significant"]}
    assert significant == {("A", "E"), ("A", "F"), ("D", "F")}


@pytest.mark.parametrize(("n_tasks", "n_designs"), [(6, 3), (20, 10), (41, 57)])
def test_nemenyi_agrees_with_scikit_posthocs(n_tasks, n_designs):
    scores = random_scores(n_tasks, n_designs, seed=2, decimals=2)
    expected = scikit_posthocs.posthoc_nemenyi_friedman(scores)
    for pair in ranks.nemenyi(scores, 0.05)["pairs"]:
        assert pair["p"] == pytest.approx(expected.loc[pair["first"], pair["second"]], abs=1e-9)


@pytest.mark.parametrize("n_designs", [2, 8, 57])
def test_nemenyi_is_significant_exactly_beyond_the_critical_difference(n_designs):
    scores = random_scores(25, n_designs, seed=3) + np.linspace(0, 0.15, n_designs)
    result = ranks.nemenyi(scores, 0.05)
    averages = ranks.rank_designs(scores).mean()
    beyond = [
        abs(averages[p["first"]] - averages[p["second"]]) >= result["critical_difference"]
        for p in result["pairs"]
    ]
    assert any(beyond)
    assert [pair["significant"] for pair in result["pairs"]] == beyond


def test_holm_is_the_one_of_r():
    # R 4.2: p.adjust(c(.01, .04, .03, .005, .02, .6), "holm")
    assert ranks.holm([0.01, 0.04, 0.03, 0.005, 0.02, 0.6]) == pytest.approx(
        [0.05, 0.09, 0.09, 0.03, 0.08, 0.60]
    )
    # and of the pairs of Garcia and Herrera
    assert ranks.holm(list(GARCIA_HERRERA_P.values())) == pytest.approx(
        [3.394134e-2, 1, 4.486991e-7, 5.105203e-2, 5.056165e-2, 4.778093e-2, 1, 1.562506e-6, 7.423402e-2,
         2.304388e-2], rel=1e-5,
    )  # fmt: skip


@pytest.mark.parametrize("n_tests", [1, 2, 50])
def test_holm_agrees_with_statsmodels(n_tests):
    p_values = np.random.default_rng(n_tests).uniform(0, 0.2, n_tests).round(2)  # with ties
    assert ranks.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_of_no_tests_is_empty():
    assert ranks.holm([]).tolist() == []


def test_categories_open_if_friedman_is_significant_after_holm_over_the_testable_ones():
    # Holm over three: 3 x .01, 2 x .02, 1 x .3; the untestable one is no member of the family
    gates = ranks.open_categories(
        {"STS": 0.02, "Reranking": None, "Retrieval": 0.01, "Clustering": 0.3}, 0.05
    )
    assert {name: gate["open"] for name, gate in gates.items()} == {
        "STS": True, "Reranking": False, "Retrieval": True, "Clustering": False,
    }  # fmt: skip
    assert gates["Retrieval"]["p_holm"] == pytest.approx(0.03)
    assert gates["STS"]["p_holm"] == pytest.approx(0.04)
    assert gates["Clustering"]["p_holm"] == pytest.approx(0.3)
    assert gates["Reranking"]["p_holm"] is None and gates["Reranking"]["reason"]


def test_no_category_testable_opens_none():
    assert not any(gate["open"] for gate in ranks.open_categories({"a": None, "b": None}, 0.05).values())


def test_overlapping_cliques_stay_separate_if_significance_is_not_transitive():
    # a-b-c alike, b-c-d alike, a and d differ: two cliques, not one
    assert ranks.cliques("abcd", [("d", "a")]) == [["a", "b", "c"], ["b", "c", "d"]]


def test_a_clique_passes_over_a_design_that_differs():
    # b and c differ, though a and d around them do not: two cliques, each with a gap
    assert ranks.cliques("abcd", [("b", "c")]) == [["a", "b", "d"], ["a", "c", "d"]]
    assert ranks.cliques("abc", [("a", "b"), ("b", "c")]) == [["a", "c"]]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [0.25, 0.6])
def test_cliques_are_the_maximal_sets_without_a_differing_pair(seed, share):
    random = np.random.default_rng(seed)
    order = list("abcdefgh")
    differing = {pair for pair in combinations(order, 2) if random.random() < share}
    alike = [
        set(group)
        for size in range(2, 9)
        for group in combinations(order, size)
        if not differing & set(combinations(group, 2))
    ]  # by brute force
    maximal = [sorted(group) for group in alike if not any(group < other for other in alike)]
    assert ranks.cliques(order, differing) == sorted(maximal)


@pytest.mark.parametrize("n_designs", [20, 57])
def test_cliques_agree_with_networkx(n_designs):
    random = np.random.default_rng(n_designs)
    differing = [pair for pair in combinations(range(n_designs), 2) if random.random() < 0.7]
    alike = networkx.complement(networkx.Graph(differing))
    expected = sorted(sorted(clique) for clique in networkx.find_cliques(alike) if len(clique) > 1)
    assert ranks.cliques(range(n_designs), differing) == expected


def test_cliques_of_nemenyi_are_the_maximal_runs_within_the_critical_difference():
    scores = random_scores(41, 57, seed=7) + np.linspace(0, 0.1, 57)
    averages = ranks.rank_designs(scores).mean().sort_values()
    result = ranks.nemenyi(scores, 0.05)
    reach = [
        np.flatnonzero(averages.to_numpy() - start < result["critical_difference"]).max()
        for start in averages
    ]
    expected = [
        averages.index[first : last + 1].tolist()
        for first, last in enumerate(reach)
        if last > first and (first == 0 or last > reach[first - 1])
    ]
    differing = [(pair["first"], pair["second"]) for pair in result["pairs"] if pair["significant"]]
    assert ranks.cliques(averages.index, differing) == expected


def test_all_designs_differ_and_none_differ():
    assert ranks.cliques("abc", combinations("abc", 2)) == []
    assert ranks.cliques("abc", []) == [["a", "b", "c"]]
    assert ranks.cliques([], []) == []


def test_with_too_many_cliques_enough_are_listed_to_cover_every_pair():
    # 90 designs in 30 groups of three that differ among themselves: 3^30 cliques (Moon and Moser 1965)
    order = list(range(90))
    differing = {(i, j) for i, j in combinations(order, 2) if i // 3 == j // 3}
    started = time.perf_counter()
    found = ranks.cliques(order, differing)
    assert time.perf_counter() - started < 10
    assert len(found) <= 90 * 89 / 2
    assert all(len({design // 3 for design in clique}) == len(clique) == 30 for clique in found)
    together = {pair for clique in found for pair in combinations(clique, 2)}
    assert together == set(combinations(order, 2)) - differing


@pytest.mark.parametrize(("scores", "reason"), UNTESTABLE)
def test_without_anything_to_test_numbers_are_none_with_a_reason(scores, reason):
    assert reason in ranks.why_untestable(scores)
    friedman = ranks.friedman(scores)
    assert [friedman[key] for key in ("chi_square", "df", "p", "kendall_w")] == [None] * 4
    assert reason in friedman["reason"]
    iman_davenport = ranks.iman_davenport(None, *scores.shape)
    assert iman_davenport.pop("reason")
    assert set(iman_davenport.values()) == {None}
    nemenyi = ranks.nemenyi(scores, 0.05)
    assert nemenyi["critical_difference"] is None and reason in nemenyi["reason"]
    assert [pair["p"] for pair in nemenyi["pairs"]] == [None] * len(list(combinations(scores, 2)))


def test_published_scores_of_180_models():
    scores = mteb_english(180)
    expected = stats.friedmanchisquare(*scores.to_numpy().T)
    friedman = ranks.friedman(scores)
    assert friedman["chi_square"] == pytest.approx(expected.statistic)
    nemenyi = ranks.nemenyi(scores, 0.05)
    averages = ranks.rank_designs(scores).mean().sort_values(kind="stable")
    differing = {(pair["first"], pair["second"]) for pair in nemenyi["pairs"] if pair["significant"]}
    cliques = ranks.cliques(averages.index, differing)
    spans = [averages[clique].max() - averages[clique].min() for clique in cliques]
    assert max(spans) < nemenyi["critical_difference"]
    json.dumps([friedman, nemenyi], allow_nan=False)
