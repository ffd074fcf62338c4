"""The command from a table of scores to statistics, tables and sentences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from embedding_designs import compare, sentences
from embedding_designs.command import BadInput

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
    return pd.DataFrame(rows, columns=compare.COLUMNS)


def three_tasks() -> pd.DataFrame:
    return table(
        {
            "eos-causal": {"A": [0.10, 0.20], "B": [0.3, 0.3], "C": [0.5, 0.5]},
            "mean-causal": {"A": [0.20, 0.10], "B": [0.4, 0.4], "C": [0.6, 0.6]},
            "mean-both": {"A": [0.30, 0.30], "B": [0.5, 0.5], "C": [0.4, 0.4]},
        }
    )


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
    command = [sys.executable, "-m", "embedding_designs.compare", *arguments, *outputs]
    environment = os.environ | {"PYTHONPATH": str(Path(compare.__file__).parents[1])}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_ranks_and_scores_average_the_seeds_first():
    comparison = compare.compare_study(three_tasks(), STUDY)["comparisons"][0]
    # over seeds A: .15 .15 .30, B: .3 .4 .5, C: .5 .6 .4; ranks 2.5 2.5 1, 3 2 1, 2 1 3
    assert comparison["average_ranks"] == pytest.approx(
        {"eos-causal": 7.5 / 3, "mean-causal": 5.5 / 3, "mean-both": 5 / 3}
    )
    assert comparison["mean_scores"] == pytest.approx(
        {"eos-causal": 0.95 / 3, "mean-causal": 1.15 / 3, "mean-both": 0.4}
    )
    # by seed the means of eos-causal are .9/3 and 1/3: they are 1/30 apart, and so sd = 1/30/sqrt(2)
    assert comparison["seed_spread"]["eos-causal"] == pytest.approx(1 / 30 / 2**0.5)
    assert comparison["seed_spread"]["mean-both"] == pytest.approx(0)


def test_every_category_is_compared_and_then_all():
    both = pd.concat(
        [three_tasks(), three_tasks().assign(category="Retrieval", task=lambda t: t["task"] + "2")]
    )
    statistics = compare.compare_study(both, STUDY)
    assert [(c["category"], c["n_tasks"]) for c in statistics["comparisons"]] == [
        ("STS", 3), ("Retrieval", 3), ("All", 6),
    ]  # fmt: skip
    assert statistics["baseline"] == "eos-causal"
    assert statistics["alpha"] == 0.05
    assert "these checkpoints" in statistics["scope"]


def test_a_single_seed_has_no_spread():
    scores = three_tasks().query("seed == 1")
    spread = compare.compare_study(scores, STUDY)["comparisons"][0]["seed_spread"]
    assert set(spread.values()) == {None}


def test_the_command_writes_statistics_and_tables(tmp_path):
    assert run(tmp_path, three_tasks()).returncode == 0
    assert json.loads((tmp_path / "statistics.json").read_text())["study"] == "tiny"
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    assert names == {"mini-STS.csv", "mini-All.csv", "wilcoxon.csv", "nemenyi.csv"}
    ranks = pd.read_csv(tmp_path / "tables" / "mini-STS.csv")
    assert ranks["design"].tolist() == ["mean-both", "mean-causal", "eos-causal"]  # the best first
    assert len(pd.read_csv(tmp_path / "tables" / "wilcoxon.csv")) == 6


def test_the_order_of_rows_changes_nothing():
    scores = three_tasks()
    shuffled = scores.sample(frac=1, random_state=0)
    ours, others = (compare.compare_study(rows, STUDY)["comparisons"][0] for rows in (scores, shuffled))
    for key in ("average_ranks", "friedman", "nemenyi", "wilcoxon", "cliques", "sentences"):
        assert ours[key] == others[key]


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        (three_tasks().drop(columns="metric"), "column metric is missing"),
        (three_tasks().iloc[:0], "holds no scores"),
        (pd.concat([three_tasks(), three_tasks().iloc[[4]]]), "line 20: a second score for base mini"),
        (three_tasks().replace({"score": 0.4}, float("nan")), "line 10: score '' is no number from -1 to 1"),
        (three_tasks().replace({"score": 0.4}, 1.5), "line 10: score '1.5' is no number from -1 to 1"),
        (three_tasks().replace({"score": 0.4}, float("inf")), "line 10: score 'inf' is no number"),
        (three_tasks().astype({"score": str}).replace({"score": "0.4"}, "good"), "line 10: score 'good'"),
        (three_tasks().drop(index=3), "1 missing: base mini, design eos-causal, seed 2, task B"),
        (three_tasks().query("design != 'mean-both'"), "6 missing: base mini, design mean-both, seed 1"),
        (three_tasks().replace("mean-both", "mean-bth"), "design mean-bth is not in the study"),
        (three_tasks().assign(category=["STS", "Clustering"] * 9), "task A stands in category STS and"),
        ("", "not a CSV table"),
    ],
)  # fmt: skip
def test_bad_scores_are_refused_in_one_line(tmp_path, scores, named):
    with pytest.raises(BadInput) as refusal:
        compare.compare_study(compare.read_scores(written(tmp_path, scores)), STUDY)
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_refusal_is_one_line_without_a_traceback_and_writes_nothing(tmp_path):
    done = run(tmp_path, three_tasks().drop(index=3))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: scores: 1 missing: base mini, design eos-causal, seed 2, task B"
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.csv", "study.json"]


def test_a_seed_of_the_study_without_any_score_is_missing():
    with pytest.raises(BadInput, match="9 missing: base mini, design eos-causal, seed 3, task A"):
        compare.compare_study(three_tasks(), {**STUDY, "seeds": [1, 2, 3]})


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (three_tasks().assign(score=0.5), "All designs score the same on every task"),
        (three_tasks().query("task == 'A'"), "With a single task there is nothing to test"),
    ],
)
def test_what_cannot_be_tested_is_null_with_a_reason_and_never_nan(scores, reason):
    statistics = compare.compare_study(scores, STUDY)
    json.dumps(statistics, allow_nan=False)
    comparison = statistics["comparisons"][0]
    assert comparison["friedman"]["p"] is None
    assert comparison["nemenyi"]["critical_difference"] is None
    assert comparison["cliques"] == []
    assert reason in comparison["undecidable_reason"]
    assert reason in comparison["sentences"][1]
    assert len(comparison["sentences"]) == 2


def clear_winner(n_tasks: int) -> pd.DataFrame:
    """Return scores where each design beats the one before it on every task, each time by another margin."""
    return table(
        {
            design: {f"T{task:02}": [round(0.2 + step * (0.1 + task / 1000), 6)] for task in range(n_tasks)}
            for step, design in enumerate(DESIGNS)
        }
    )


def test_the_sentences_of_a_decided_comparison():
    comparison = compare.compare_study(clear_winner(12), STUDY)["comparisons"][0]
    # q(3) = 2.343: CD = 2.343 sqrt(3 4 / 72) = 0.96; W = 1: chi-square = 12 x 2
    assert comparison["sentences"] == [
        "mean-both has the best average rank (1.00, where 1 is best and 3 worst; 12 tasks).",
        "Friedman's test finds a difference among the designs "
        "(chi-square = 24.0, df = 2, p < 0.001, W = 1.00).",
        "Nemenyi's test (critical difference 0.96 ranks) finds "
        "mean-both better than mean-causal and eos-causal; mean-causal better than eos-causal.",
        "Wilcoxon's test with Holm's correction finds mean-both better than mean-causal and eos-causal; "
        "mean-causal better than eos-causal.",
        "The paper's rule (uncorrected Wilcoxon) would call 3 pairs significant; "
        "none of them vanish under Holm's correction.",
    ]


@pytest.mark.parametrize(
    ("baseline", "told"),
    [
        ("d3", "among them d7, d6 and d5 better than the baseline d3; d1 worse than the baseline d3"),
        ("d7", "among them d5, d4, d3, d2 and d1 worse than the baseline d7"),
        ("d1", "among them d7, d6, d5, d4 and d3 better than the baseline d1"),
    ],
)
def test_of_many_significant_pairs_those_with_the_baseline_are_named(baseline, told):
    """Seven designs in one order on 40 tasks: q(7) = 2.949, CD = 2.949 sqrt(7 8 / 240) = 1.42, 2 ranks."""
    designs = [f"d{place}" for place in range(1, 8)]
    cells = pd.DataFrame(
        [
            {"task": f"T{task}", "seed": 1, "design": name, "score": 0.1 * place + 0.001 * task}
            for place, name in enumerate(designs)
            for task in range(40)
        ]
    )
    nemenyi = compare.compare_designs(cells, designs, "STS", 0.05, baseline)["sentences"][2]
    expected = f"(critical difference 1.42 ranks) finds 15 of 21 pairs significantly different, {told}."
    assert nemenyi.endswith(expected)


def test_too_few_tasks_are_said_to_decide_nothing():
    comparison = compare.compare_study(clear_winner(6), STUDY)["comparisons"][0]
    assert comparison["decidable_by_wilcoxon_holm"] is False
    assert comparison["smallest_attainable_p"] == {"wilcoxon": 1 / 32, "wilcoxon_holm": 3 / 32}
    assert comparison["sentences"][3:] == [
        "With 6 tasks Wilcoxon's test with Holm's correction over 3 pairs cannot reach p = 0.05 at all "
        "(smallest attainable: 0.0312 x 3): this category decides nothing by it.",
        "The paper's rule (uncorrected Wilcoxon) would call 3 pairs significant; "
        "all of them vanish under Holm's correction.",
    ]


def test_nothing_significant_is_said_plainly():
    scores = three_tasks().assign(score=[0.1, 0.1, 0.2, 0.2, 0.3, 0.3] * 3)
    scores.loc[0, "score"] = 0.12
    text = " ".join(compare.compare_study(scores, STUDY)["comparisons"][0]["sentences"])
    assert "finds no significant difference among the designs" in text
    assert "finds no pair of designs significantly different" in text
    assert "would call no pair significant either" in text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0004, "p < 0.001"), (0.0151, "p = 0.015"), (0.3, "p = 0.3"), (1.0, "p = 1")]
)
def test_p_values_are_printed_shortly(p, text):
    assert sentences.p_text(p) == text
