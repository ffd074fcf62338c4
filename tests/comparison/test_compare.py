"""The command from a table of scores to statistics, tables, and sentences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.typed_json import to_json
from embedding_designs.comparison import compare, p_values, tables
from embedding_designs.scores.score_table import COLUMNS, read_scores

DESIGNS = {
    "eos-causal": ("eos", "causal"),
    "mean-causal": ("mean", "causal"),
    "mean-both": ("mean", "bidirectional"),
}
STUDY = {
    "name": "tiny",
    "designs": {
        name: {"attention": attention, "pooling": {"kind": pooling}}
        for name, (pooling, attention) in DESIGNS.items()
    },
}


def table(values: dict[str, dict[str, list[float]]], category: str = "STS") -> pd.DataFrame:
    """Return scores from design -> task -> one score for each seed."""
    rows = [
        ("mini", design, *DESIGNS[design], seed, task, category, "spearman", score)
        for design, tasks in values.items()
        for task, scores in tasks.items()
        for seed, score in enumerate(scores, start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def three_tasks() -> pd.DataFrame:
    return table(
        {
            "eos-causal": {"A": [0.10, 0.20], "B": [0.3, 0.3], "C": [0.5, 0.5]},
            "mean-causal": {"A": [0.20, 0.10], "B": [0.4, 0.4], "C": [0.6, 0.6]},
            "mean-both": {"A": [0.30, 0.30], "B": [0.5, 0.5], "C": [0.4, 0.4]},
        }
    )


AS_TEXT = three_tasks().to_csv(index=False)


def written(tmp_path, scores: pd.DataFrame | str) -> Path:
    """Return the path of a scores.csv."""
    path = tmp_path / "scores.csv"
    path.write_text(scores if isinstance(scores, str) else scores.to_csv(index=False))
    return path


def run(tmp_path, scores: pd.DataFrame) -> subprocess.CompletedProcess:
    """Run the command as the rule does."""
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    arguments = [written(tmp_path, scores), "--study", tmp_path / "study.json"]
    outputs = ["--output", tmp_path / "statistics.json", "--tables", tmp_path / "tables"]
    command = [sys.executable, "-m", "embedding_designs.comparison.compare_designs", *arguments, *outputs]
    environment = os.environ | {"PYTHONPATH": str(Path(compare.__file__).parents[2])}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_ranks_and_scores_average_the_seeds_first():
    comparison = compare.compare_study(three_tasks(), STUDY).comparisons[0]
    # over seeds A: .15 .15 .30, B: .3 .4 .5, C: .5 .6 .4; ranks 2.5 2.5 1, 3 2 1, 2 1 3
    assert comparison.average_ranks == pytest.approx(
        {"eos-causal": 7.5 / 3, "mean-causal": 5.5 / 3, "mean-both": 5 / 3}
    )
    assert comparison.mean_scores == pytest.approx(
        {"eos-causal": 0.95 / 3, "mean-causal": 1.15 / 3, "mean-both": 0.4}
    )
    # by seed the means of eos-causal are .9/3 and 1/3: they are 1/30 apart, and so sd = 1/30/sqrt(2)
    assert comparison.seed_spread["eos-causal"] == pytest.approx(1 / 30 / 2**0.5)
    assert comparison.seed_spread["mean-both"] == pytest.approx(0)


def test_every_category_is_compared_and_then_all():
    both = pd.concat(
        [three_tasks(), three_tasks().assign(category="Retrieval", task=lambda t: t["task"] + "2")]
    )
    statistics = compare.compare_study(both, STUDY)
    assert [(c.category, c.n_tasks) for c in statistics.comparisons] == [
        ("STS", 3), ("Retrieval", 3), ("All", 6),
    ]  # fmt: skip
    assert {c.control for c in statistics.comparisons} == {"eos-causal"}
    assert statistics.alpha == 0.05


def test_fewer_than_three_seeds_make_no_claim_about_designs():
    statistics = compare.compare_study(three_tasks(), STUDY)
    assert "at least three seeds" in statistics.scope
    comparison = statistics.comparisons[0]
    assert comparison.these_designs.refused
    assert comparison.sentences["these_designs"] == [comparison.these_designs.refused]


def test_a_single_seed_has_no_spread():
    scores = three_tasks().query("seed == 1")
    spread = compare.compare_study(scores, STUDY).comparisons[0].seed_spread
    assert set(spread.values()) == {None}


def test_the_command_writes_statistics_and_tables(tmp_path):
    assert run(tmp_path, three_tasks()).returncode == 0
    assert json.loads((tmp_path / "statistics.json").read_text())["study"] == "tiny"
    names = {path.stem for path in (tmp_path / "tables").iterdir()}
    assert {"designs", "tests", "pairs", "against_control", "scores"} <= names
    for name in names:
        table = pd.read_csv(tmp_path / "tables" / f"{name}.csv")
        assert len(json.loads((tmp_path / "tables" / f"{name}.json").read_text())) == len(table)
        assert (tmp_path / "tables" / f"{name}.tex").read_text().count("\\toprule") == 1
    ranks = pd.read_csv(tmp_path / "tables" / "designs.csv").query("category == 'STS'")
    assert ranks["design"].tolist() == ["mean-both", "mean-causal", "eos-causal"]  # the best first
    assert len(pd.read_csv(tmp_path / "tables" / "pairs.csv")) == 6


def test_the_order_of_rows_changes_nothing():
    scores = three_tasks()
    shuffled = scores.sample(frac=1, random_state=0)
    ours, others = (compare.compare_study(rows, STUDY).comparisons[0] for rows in (scores, shuffled))
    assert ours == others


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        (three_tasks().drop(columns="metric"), "column metric is missing"),
        (three_tasks().iloc[:0], "no scores"),
        (pd.concat([three_tasks(), three_tasks().iloc[[4]]]), "scores.csv:20: a second score for base mini"),
        (three_tasks().replace({"score": 0.4}, float("nan")), "4 scores missing: base mini, design mean-"),
        (three_tasks().replace({"score": 0.4}, 1.5), 'seed 1, task B: score "1.5" is not a number'),
        (three_tasks().replace({"score": 0.4}, float("inf")), 'score "inf" is not a number from -1 to 1'),
        (three_tasks().astype({"score": str}).replace({"score": "0.4"}, "good"), ':10: base mini, '),
        (three_tasks().drop(index=3), "1 score missing: base mini, design eos-causal, seed 2, task B"),
        (three_tasks().query("design != 'mean-both'"), "6 scores missing: base mini, design mean-both"),
        (three_tasks().replace("mean-both", "mean-bth"), "design mean-bth is not in the study"),
        (three_tasks().assign(category=["STS", "Clustering"] * 9), ':3: task A has the category "Clu'),
        (three_tasks().replace({"score": 0.4}, 40), 'score "40.0" is not a number from -1 to 1; divide'),
        (three_tasks().replace({"task": "B"}, ""), "scores.csv:4: task is empty"),
        (AS_TEXT.replace(",2,A,", ",01,A,"), "a second score for base mini, design eos-causal, seed 1, "),
        (AS_TEXT.replace("0.4\n", "0.4,0.5\n"), ":10: 10 fields, but the header has 9 columns"),
        (AS_TEXT.replace("\n", ",x\n").replace("score,x", "score"), ":2: 10 fields, but the header has 9"),
        (AS_TEXT.replace("\n", "\n\n").replace("0.4", "4"), ':19: base mini, design mean-causal, '),
        (three_tasks().replace({"category": "STS"}, "S/TS"), 'category "S/TS" contains a slash'),
        (three_tasks().assign(attention=["causal", "other"] * 9), 'has the attention "other", but '),
        (three_tasks().assign(score=0.5), "scores: base mini: All score the same on every task"),
        (three_tasks().query("task == 'A'"), "scores: base mini: With a single task there is nothing"),
        ("", "empty; expected a CSV file"),
    ],
)  # fmt: skip
def test_bad_scores_are_rejected_in_one_line(tmp_path, scores, named):
    with pytest.raises(BadInput) as refusal:
        compare.compare_study(read_scores(written(tmp_path, scores)), STUDY)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_error_is_one_line_without_a_traceback_and_writes_nothing(tmp_path):
    done = run(tmp_path, three_tasks().drop(index=3))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: {tmp_path}/scores.csv: 1 score missing: base mini, design eos-causal, seed 2, task B"
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.csv", "study.json"]


def test_a_base_that_is_not_in_the_study_is_rejected():
    with pytest.raises(BadInput, match="scores: base mini is not in the study; choose from other"):
        compare.compare_study(three_tasks(), {**STUDY, "bases": {"other": {}}})


def test_a_base_that_loses_all_its_tasks_is_an_error():
    scores = three_tasks().query("not (design == 'eos-causal' and seed == 2)")
    with pytest.raises(BadInput, match="every task of base mini lacks a score, so none is left"):
        compare.compare_study(scores, {**STUDY, "statistics": {"missing": "drop_tasks"}})


def test_a_folder_is_not_a_table_of_scores(tmp_path):
    with pytest.raises(BadInput, match="a folder, not a file"):
        read_scores(tmp_path)


def test_the_scope_is_given_per_base_if_their_seeds_differ():
    few = three_tasks().query("seed == 1").assign(base="few")
    scope = compare.compare_study(pd.concat([three_tasks(), few]), STUDY).scope
    assert "mini: Two runs of each design were scored" in scope
    assert "few: One run of each design was scored" in scope


def test_a_seed_of_the_study_without_any_score_is_missing():
    with pytest.raises(BadInput, match="9 scores missing: base mini, design eos-causal, seed 3, task A"):
        compare.compare_study(three_tasks(), {**STUDY, "seeds": [1, 2, 3]})


def test_a_study_of_one_design_is_rejected():
    alone = {**STUDY, "designs": {"eos-causal": STUDY["designs"]["eos-causal"]}}
    with pytest.raises(BadInput, match="There is only one, so there is nothing to compare"):
        compare.compare_study(three_tasks().query("design == 'eos-causal'"), alone)


def test_an_unknown_control_is_rejected_with_the_choices():
    study = {**STUDY, "statistics": {"control": "eos"}}
    with pytest.raises(
        BadInput, match='control "eos" is not a design of base mini; choose from eos-causal, mean'
    ):
        compare.compare_study(three_tasks(), study)


def test_tasks_with_a_missing_cell_are_dropped_on_request_and_listed():
    study = {**STUDY, "statistics": {"missing": "drop_tasks"}}
    comparison = compare.compare_study(three_tasks().drop(index=3), study).comparisons[-1]
    assert (comparison.tasks, comparison.dropped_tasks) == (["A", "C"], ["B"])


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (three_tasks().assign(score=0.5), "All score the same on every task"),
        (three_tasks().query("task == 'A'"), "With a single task there is nothing to test"),
    ],
)
def test_a_category_that_cannot_be_tested_is_null_with_a_reason_and_never_nan(part, reason):
    beside = part.assign(category="Other", task=lambda t: t["task"] + "2")
    statistics = compare.compare_study(pd.concat([three_tasks(), beside]), STUDY)
    json.dumps(to_json(statistics), allow_nan=False)
    comparison = statistics.comparisons[1]
    over_tasks = comparison.these_checkpoints
    assert over_tasks.friedman.p is None
    assert over_tasks.nemenyi.critical_difference is None
    assert over_tasks.cliques == []
    assert not over_tasks.gate.open
    assert reason in comparison.sentences["undecidable"][0]
    assert [kind for kind, said in comparison.sentences.items() if said] == [
        "verdict", "undecidable", "these_checkpoints",
    ]  # fmt: skip


def clear_winner(n_tasks: int) -> pd.DataFrame:
    """Return scores where each design beats the previous one on every task, by varying margins."""
    return table(
        {
            design: {f"T{task:02}": [round(0.2 + step * (0.1 + task / 1000), 6)] for task in range(n_tasks)}
            for step, design in enumerate(DESIGNS)
        }
    )


def test_the_sentences_of_a_decided_comparison():
    comparison = compare.compare_study(clear_winner(12), STUDY).comparisons[0]
    # q(3) = 2.343: CD = 2.343 sqrt(3 4 / 72) = 0.96; W = 1: chi-square = 12 x 2
    sentences = comparison.sentences["these_checkpoints"]
    assert sentences[:3] == [
        "mean-both has the best average rank (1.00, where 1 is best and 3 is worst; 12 tasks).",
        "Friedman's test finds a difference among the designs "
        "(chi-square = 24.0, df = 2, p < 0.001, by permutation p < 0.001, W = 1.00).",
        "Nemenyi's test (critical difference 0.96 ranks) finds "
        "mean-both better than mean-causal and eos-causal; mean-causal better than eos-causal.",
    ]
    assert sentences[-4:] == [
        "Wilcoxon's test with Holm's correction finds mean-both better than mean-causal and eos-causal; "
        "mean-causal better than eos-causal.",
        "Compared only with the control eos-causal (tests on ranks, Holm's correction over 2 designs), "
        "mean-both and mean-causal are significantly better.",
        "No pair is shown to be practically equivalent "
        "(typical score difference below 0.01; Bayesian signed-rank test, probability above 0.95).",
        "The paper's rule (uncorrected Wilcoxon) would call 3 pairs significant; "
        "all of them remain significant after Holm's correction.",
    ]


def test_shaffers_correction_is_reported_beside_holms_if_the_study_asks_for_it():
    study = STUDY | {"statistics": STUDY.get("statistics", {}) | {"correction": "shaffer"}}
    statistics = compare.compare_study(clear_winner(12), study)
    sentences = statistics.comparisons[0].sentences["these_checkpoints"]
    place = next(n for n, text in enumerate(sentences) if text.startswith("Wilcoxon's test with Holm's"))
    assert sentences[place + 1].startswith("With Shaffer's correction, it finds mean-both better than")
    pairs = tables.tables(statistics)["pairs"]
    assert (pairs["p_shaffer"] <= pairs["p_holm"]).all() and pairs["significant_shaffer"].all()
    assert "p_shaffer" not in tables.tables(compare.compare_study(clear_winner(12), STUDY))["pairs"]


@pytest.mark.parametrize(
    ("control", "named"),
    [
        ("d3", "d7, d6, and d5 are better than the control d3, and d1 is worse than the control d3"),
        ("d7", "d5, d4, d3, d2, and d1 are worse than the control d7"),
        ("d1", "d7, d6, d5, d4, and d3 are better than the control d1"),
    ],
)
def test_of_many_significant_pairs_those_with_the_control_are_named(control, named):
    """Seven designs in one order on 40 tasks: q(7) = 2.949, CD = 2.949 sqrt(7 8 / 240) = 1.42, 2 ranks."""
    cells = pd.DataFrame(
        [
            (
                "mini",
                f"d{place}",
                "eos",
                "causal",
                1,
                f"T{task}",
                "STS",
                "spearman",
                0.1 * place + task / 1000,
            )
            for place in range(1, 8)
            for task in range(40)
        ],
        columns=COLUMNS,
    )
    study = {"statistics": {"control": control}}
    nemenyi = compare.compare_study(cells, study).comparisons[0].sentences["these_checkpoints"][2]
    expected = (
        f"(critical difference 1.42 ranks) finds 15 of 21 pairs significantly different; among them, {named}."
    )
    assert nemenyi.endswith(expected)


def test_a_test_with_too_few_tasks_is_named_right_after_the_verdict():
    comparison = compare.compare_study(clear_winner(6), STUDY).comparisons[0]
    decidable = comparison.undecidable.decidable
    assert [test for test, can in decidable.items() if not can] == ["wilcoxon_holm"]
    assert comparison.undecidable.attainable.wilcoxon_holm == 3 / 32
    assert list(comparison.sentences)[:2] == ["verdict", "undecidable"]
    assert comparison.sentences["undecidable"][0] == (  # 3 x 2^(1 - N) <= 0.05 from N = 7
        "With 6 tasks, p = 0.05 cannot be reached, whatever the scores, by Wilcoxon's test with Holm's "
        "correction over 3 pairs (smallest attainable p: 0.094; it needs at least 7 tasks), "
        "so this test cannot decide anything in this category."
    )
    sentences = comparison.sentences["these_checkpoints"]
    assert not any(sentence.startswith("Wilcoxon") for sentence in sentences)
    assert sentences[-1].startswith(
        "The paper's rule (uncorrected Wilcoxon) would call 3 pairs significant; "
        "none of them remains significant after Holm's correction."
    )


def test_results_of_tests_that_cannot_decide_are_not_reported():
    comparison = compare.compare_study(clear_winner(2), STUDY).comparisons[0]
    # N = 2, k = 3: chi-square 4 with 2 degrees of freedom; z = 2 / sqrt(3 4 / 12) = 2, its p times 2;
    # R 4.2: ptukey(2 * sqrt(2), 3, Inf, lower.tail = FALSE) = 0.1122
    assert comparison.sentences["undecidable"][:2] == [
        "With 2 tasks, p = 0.05 cannot be reached, whatever the scores, by "
        "Friedman's chi-square (smallest attainable p: 0.135; it needs at least 3 tasks), "
        "Nemenyi's test (smallest attainable p: 0.112; it needs at least 3 tasks), "
        "Wilcoxon's test with Holm's correction over 3 pairs "
        "(smallest attainable p: 1.000; it needs at least 7 tasks), and "
        "the test against the control with Holm's correction over 2 tests "
        "(smallest attainable p: 0.091; it needs at least 3 tasks), "
        "so these tests cannot decide anything in this category.",
        "With 2 tasks, practical equivalence cannot be shown: the test's prior could decide it.",
    ]
    text = " ".join(comparison.sentences["these_checkpoints"])
    assert not any(word in text for word in ("Nemenyi", "Wilcoxon's", "control", "equivalent", "sub-pool"))
    assert all(row.verdict == "too few tasks" for row in comparison.these_checkpoints.equivalence)


def test_a_comparison_without_a_significant_difference_says_so():
    low, middle, high = [0.1, 0.12], [0.2, 0.22], [0.3, 0.32]  # of two seeds
    scores = three_tasks().assign(score=[*low, *middle, *high, *middle, *high, *low, *high, *low, *middle])
    comparison = compare.compare_study(scores, STUDY).comparisons[0]
    text = " ".join(comparison.sentences["these_checkpoints"])
    assert "finds no significant difference among the designs" in text
    assert "finds no significant difference between any two designs" in text
    assert "would not call any pair significant" in text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "p < 0.001"), (0.0151, "p = 0.015"), (0.3, "p = 0.300"), (1.0, "p = 1.000")]
)
def test_p_values_are_printed_with_three_decimals(p, text):
    assert p_values.p_text(p) == text
