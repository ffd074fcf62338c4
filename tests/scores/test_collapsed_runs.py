"""Collapsed runs are found in the training logs, and their designs are not compared."""

import json
from dataclasses import asdict
from itertools import product
from math import log

import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import write_json
from embedding_designs.common.typed_json import from_json, to_json
from embedding_designs.comparison.compare import compare_study
from embedding_designs.comparison.results import Statistics
from embedding_designs.scores.collapsed_runs import CollapsedRun, collapsed_runs, without_collapsed
from embedding_designs.scores.not_used import in_words, write_report
from embedding_designs.scores.report_file import Report, read_report
from embedding_designs.scores.score_table import COLUMNS

DESIGNS = {
    "eos": {"attention": "causal", "pooling": {"kind": "eos"}},
    "mean": {"attention": "causal", "pooling": {"kind": "mean"}},
    "multi": {"attention": "bidirectional", "pooling": {"kind": "multi_layer"}},
}
STUDY = {"name": "s", "bases": {"a": {}, "b": {}}, "designs": DESIGNS, "seeds": [1, 2, 3]}
REASON = "(final held-out loss within 2% of ln 64 = 4.16, the loss if all embeddings are equal)"
EOS2 = CollapsedRun("a", "eos", 2, 64)


def scores() -> pd.DataFrame:
    """Return scores of two bases, three designs, three seeds, and eight tasks, all different."""
    rows: list[tuple] = []
    for base, name, seed, task in product(STUDY["bases"], DESIGNS, STUDY["seeds"], range(8)):
        factors = DESIGNS[name]["pooling"]["kind"], DESIGNS[name]["attention"]
        score = round(((len(rows) * 37) % 101) / 101, 6)
        rows.append((base, name, *factors, seed, f"T{task}", "STS", "m", score))
    return pd.DataFrame(rows, columns=COLUMNS)


def compared(*collapsed: CollapsedRun, **study) -> Statistics:
    return compare_study(scores(), STUDY | study, report=Report({}, [], {}, list(collapsed)))


def write_log(runs, base: str, design: str, seed: int, collapsed: bool | None) -> None:
    last = {"event": "summary", "heldout_documents": 64, "collapsed": collapsed}
    if collapsed is None:  # of a version that did not know of it
        last = {"event": "summary"}
    file = runs / base / design / f"seed{seed}" / "training.jsonl"
    file.parent.mkdir(parents=True)
    lines = [{"event": "heldout", "step": step, "heldout_loss": log(64)} for step in (5, 10)]
    file.write_text("".join(json.dumps(line) + "\n" for line in [*lines, last]))


def test_collapsed_runs_are_those_whose_logs_say_so(tmp_path):
    write_log(tmp_path, "a", "eos", 1, collapsed=False)
    write_log(tmp_path, "a", "eos", 2, collapsed=True)
    write_log(tmp_path, "b", "mean", 3, collapsed=None)
    write_log(tmp_path, "b", "mean", 7, collapsed=True)  # not a seed of the study
    assert collapsed_runs(tmp_path, STUDY) == [EOS2]


def test_the_report_carries_collapsed_runs_and_has_no_such_key_without_them(tmp_path):
    write_report(tmp_path / "with.json", [], [], {}, collapsed=[asdict(EOS2)])
    write_report(tmp_path / "without.json", [], [], {}, collapsed=[])
    assert read_report(tmp_path / "with.json").collapsed == [EOS2]
    assert read_report(tmp_path / "without.json").collapsed == []
    assert json.loads((tmp_path / "without.json").read_text()).keys() == {"sha256", "not_used", "revisions"}


def test_without_collapsed_runs_all_scores_are_compared():
    kept, left = without_collapsed(scores(), [])
    assert kept.equals(scores()) and left == []


def test_a_design_with_a_collapsed_run_is_not_compared_on_that_base_and_nothing_else_changes():
    statistics = compared(EOS2, statistics={"control": "mean"})
    on_a, on_b = ([c for c in statistics.comparisons if c.base == base] for base in "ab")
    alone = {**STUDY, "designs": {"mean": DESIGNS["mean"], "multi": DESIGNS["multi"]}, "bases": {"a": {}}}
    expected = compare_study(
        scores().query("base == 'a' and design != 'eos'"), alone | {"statistics": {"control": "mean"}}
    )
    assert on_a == expected.comparisons
    assert on_b == [c for c in compared(statistics={"control": "mean"}).comparisons if c.base == "b"]
    assert all(c.these_designs.refused is None and c.these_designs.n_seeds == 3 for c in on_a)


def test_what_is_not_compared_is_listed_with_the_reason():
    assert [in_words(entry) for entry in compared(EOS2, statistics={"control": "eos"}).not_used] == [
        f"1 collapsed run not used: eos seed2 on a {REASON}",
        "2 other runs not used: eos seed1 on a, eos seed3 on a (a run of the same design collapsed)",
        "1 control not used: eos on a (one of its runs collapsed; the first remaining design replaces it)",
    ]


def test_another_design_replaces_a_control_that_collapsed():
    statistics = compared(EOS2, statistics={"control": "eos"})
    assert {c.base: c.control for c in statistics.comparisons} == {"a": "mean", "b": "eos"}


def test_a_base_with_a_single_design_left_is_not_compared():
    statistics = compared(EOS2, CollapsedRun("a", "multi", 1, 64))
    assert {c.base for c in statistics.comparisons} == {"b"}
    assert "1 base not used: a (fewer than two designs without a collapsed run)" in [
        in_words(entry) for entry in statistics.not_used
    ]


def test_if_nothing_can_be_compared_there_is_one_clear_line():
    runs = [CollapsedRun(base, design, 1, 64) for base in "ab" for design in ("eos", "mean")]
    with pytest.raises(BadInput, match="nothing can be compared, because fewer than two designs have"):
        compared(*runs)


def test_statistics_have_a_key_for_collapsed_runs_only_if_there_are_any(tmp_path):
    content = to_json(compared(EOS2))
    write_json(tmp_path / "statistics.json", content)
    again = json.loads((tmp_path / "statistics.json").read_text())
    assert from_json(Statistics, again, "statistics.json").collapsed == [EOS2]
    assert "collapsed" not in to_json(compared())
