"""Expected sets come from hand calculation and a simulation."""

import numpy as np
import pandas as pd

from embedding_designs.comparison.statistics.best_over_tasks import best_by_score
from embedding_designs.comparison.statistics.together import best_set_together


def test_designs_between_the_two_levels_are_added_by_their_p():
    p = {"a": 1.0, "b": 0.02, "c": 0.012, "d": 0.03, "e": 0.0125}  # 0.05 / 4 = 0.0125
    assert best_set_together(["a"], p, 0.05, 4) == ["a", "d", "b"]


def test_one_category_needs_no_correction_and_no_test_rules_nothing_out():
    assert best_set_together(["b", "a"], {"a": 0.2, "b": 1.0, "c": 0.04}, 0.05, 1) == ["b", "a"]
    assert best_set_together(["b", "a"], {"a": None, "b": None}, 0.05, 8) == ["b", "a"]


def test_all_categories_are_right_at_once_in_95_percent_of_studies():
    # four categories of 8 tasks, five equal models; 300 studies: a true share of 95% is seen as 92.5 to 97.5%
    random, names = np.random.default_rng(3), list("abcde")
    alone = together = 0
    for _ in range(300):
        tables = [pd.DataFrame(random.normal(size=(8, 5)).round(6), columns=names) for _ in range(4)]
        found = [best_by_score(table, 0.05) for table in tables]
        alone += all("a" in best["best_set"] for best in found)
        together += all("a" in best_set_together(best["best_set"], best["p"], 0.05, 4) for best in found)
    assert together / 300 > 0.925
    assert alone / 300 < 0.9
