"""statistics.json is read back as the results that were written, and what it lacks is named."""

import json
import re

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.comparison.compare import compare_study
from embedding_designs.comparison.results import Statistics
from embedding_designs.comparison.statistics_file import read_statistics, write_statistics
from helpers.figure_examples import study_and_scores


def compared(n_tasks: int, seeds: tuple[int, ...]) -> Statistics:
    study, scores = study_and_scores(n_tasks, seeds)
    alone = scores["task"] == "T0"
    return compare_study(scores.assign(category=alone.map({True: "Single", False: "STS"})), study)


@pytest.mark.parametrize("seeds", [(1,), (1, 2), (1, 2, 3)])
@pytest.mark.parametrize("n_tasks", [3, 12])
def test_results_are_read_back_as_they_were_written(tmp_path, n_tasks, seeds):
    statistics, path = compared(n_tasks, seeds), tmp_path / "statistics.json"
    write_statistics(path, statistics)
    assert read_statistics(path) == statistics
    written = path.read_bytes()
    write_statistics(path, read_statistics(path))
    assert path.read_bytes() == written


def test_a_reason_is_a_key_only_if_there_is_one(tmp_path):
    path = tmp_path / "statistics.json"
    write_statistics(path, compared(12, (1,)))
    sts, single, _ = json.loads(path.read_text())["comparisons"]
    if sts["category"] == "Single":
        sts, single = single, sts
    assert "reason" in single["these_checkpoints"]["friedman"]
    assert "reason" not in sts["these_checkpoints"]["friedman"]
    assert single["these_checkpoints"]["friedman"]["p"] is None  # a number that is missing keeps its key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["these_checkpoints"]["friedman"].pop("p"), "these_checkpoints.friedman.p is missing"),
        (lambda c: c.update(baseline="eos"), "baseline is not a known key"),
        (lambda c: c.update(tasks=3), "tasks is not an array"),
        (lambda c: c.update(factors=None), "factors is not an object"),
        (lambda c: c.update(base=7), "base is not a string"),
        (lambda c: c["average_ranks"].update(a="x"), "average_ranks.a is not a number"),
    ],
)
def test_a_key_that_is_missing_unknown_or_of_the_wrong_type_is_named(tmp_path, change, message):
    path = tmp_path / "statistics.json"
    write_statistics(path, compared(3, (1,)))
    content = json.loads(path.read_text())
    change(content["comparisons"][1])
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput, match=re.escape(f"{path}: comparisons.1.{message}")):
        read_statistics(path)
