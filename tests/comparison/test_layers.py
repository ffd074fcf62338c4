"""The summary of layers: best layers, what exceeds the spread over seeds, tables, and sentences."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import write_json
from embedding_designs.common.layer_files import write_layers
from embedding_designs.common.typed_json import to_json
from embedding_designs.comparison.layer_results import read_layer_summary
from embedding_designs.comparison.layer_summary import mean_of_pairs, summarize
from embedding_designs.comparison.layer_tables import layer_tables
from embedding_designs.comparison.statistics.layers import best_layer, gain_interval, held_out_gains
from embedding_designs.scores.collapsed_runs import CollapsedRun
from embedding_designs.scores.report_file import NO_REPORT
from helpers.layer_examples import BEFORE, CATEGORIES, DESIGNS, analyses, analysis
from helpers.paths import ROOT


def with_scores(by_seed: list[list[float]]) -> list:
    """Return the analyses of a design whose layers have these scores in one category."""
    layers = len(by_seed[0])
    runs = [analysis("eos-causal", seed, layers) for seed in range(1, len(by_seed) + 1)]
    return [
        replace(run, tasks=[replace(run.tasks[0], scores=scores)])
        for run, scores in zip(runs, by_seed, strict=True)
    ]


def summary_of(by_seed: list[list[float]]):
    (model,) = summarize(with_scores(by_seed), 0.05).models
    return model.curves[0]


def test_the_best_layer_is_the_last_one_in_a_tie():
    assert best_layer(np.array([0.5, 0.6, 0.5])) == 1
    assert best_layer(np.array([0.6, 0.5, 0.6])) == 2


def test_each_seeds_layer_is_chosen_by_the_other_seeds():
    """Seed 3 prefers layer 2, the others layer 1; each gain by hand."""
    scores = np.array([[0.9, 0.5, 0.4], [0.8, 0.4, 0.5], [0.3, 0.9, 0.6]])
    # Means without seed 1: 0.55, 0.65, 0.55; without seed 2: 0.6, 0.7, 0.5; without seed 3: 0.85, 0.45, 0.45.
    assert held_out_gains(scores) == pytest.approx([0.5 - 0.4, 0.4 - 0.5, 0.3 - 0.6])


def test_the_interval_of_a_gain_is_that_of_scipys_t_test():
    gains = np.array([0.03, 0.05, 0.02])
    expected = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert gain_interval(gains, 0.05) == pytest.approx((gains.mean(), *expected))
    assert gain_interval(gains[:2], 0.05) is None


def test_the_best_of_layers_that_differ_by_chance_is_not_beyond_the_spread():
    """The best of 30 equal layers is well above the last; in at most 1 of 20 studies it is called better."""
    chance = np.random.default_rng(0)
    curves = [summary_of(chance.normal(0.5, 0.01, (3, 30)).tolist()) for _ in range(200)]
    assert np.mean([curve.above_last for curve in curves]) > 0.01
    assert np.mean([curve.gain.beyond for curve in curves]) < 0.05


def test_a_real_difference_is_beyond_the_spread():
    curve = summary_of([[0.5, 0.7, 0.6], [0.5, 0.71, 0.6], [0.5, 0.69, 0.6]])
    assert (curve.best, curve.above_last) == (2, 0.1)
    assert curve.gain.by_seed == pytest.approx([0.1, 0.11, 0.09])
    assert curve.gain.beyond and curve.gain.mean == pytest.approx(0.1)


def test_tasks_are_averaged_within_their_category():
    run = analysis("eos-causal", 1, 3)
    scores = [[0.1, 0.2, 0.3], [0.3, 0.2, 0.5], [0.9, 0.9, 0.9]]
    categories = ["STS", "STS", "Retrieval"]
    tasks = [
        replace(run.tasks[0], task=f"T{n}", category=category, scores=values)
        for n, (category, values) in enumerate(zip(categories, scores, strict=True))
    ]
    first, second = summarize([replace(run, tasks=tasks)], 0.05).models[0].curves
    assert (first.category, first.tasks, first.scores) == (
        "STS",
        ["T0", "T1"],
        pytest.approx([0.2, 0.2, 0.4]),
    )
    assert second.scores == [0.9] * 3


def test_layers_are_apart_by_the_mean_of_different_pairs():
    assert mean_of_pairs([[1, 0.5, 0.1], [0.5, 1, 0.3], [0.1, 0.3, 1]]) == pytest.approx(0.3)
    assert mean_of_pairs([[1]]) == 1


def test_seeds_that_analyzed_different_layers_are_refused_in_one_line():
    with pytest.raises(BadInput, match=r"^mini eos-causal: its seeds have different layers or tasks"):
        summarize([analysis("eos-causal", 1, 3), analysis("eos-causal", 2, 4)], 0.05)


def test_sentences_say_what_is_seen_and_whether_it_exceeds_the_spread():
    beyond = [[0.5, 0.7, 0.6], [0.5, 0.71, 0.6], [0.5, 0.69, 0.6]]
    within = [[0.5, 0.7, 0.6], [0.5, 0.5, 0.6], [0.5, 0.65, 0.6]]
    last = [[0.5, 0.6, 0.7]] * 3
    said = [summarize(with_scores(scores), 0.05).sentences["mini"][0] for scores in (beyond, within, last)]
    assert said == [
        "eos-causal: beyond the spread over 3 seeds, an earlier layer is better than the last for STS "
        "(layer 2: 0.100, 0.075 to 0.125), with 95% intervals.",
        "eos-causal: an earlier layer is higher, but not beyond the spread over 3 seeds, for STS "
        "(layer 2: 0.017).",
        "eos-causal: the last layer, 3, is the best for every category.",
    ]


def test_nothing_is_claimed_about_the_layers_of_a_design_with_a_collapsed_run():
    """What would be beyond the spread over seeds is not called so."""
    runs = with_scores([[0.5, 0.7, 0.6], [0.5, 0.71, 0.6], [0.5, 0.69, 0.6]])
    summary = summarize(runs, 0.05, [CollapsedRun("mini", "eos-causal", seed, 64) for seed in (1, 3)])
    (model,) = summary.models
    assert model.curves[0].gain is None and (model.curves[0].best, model.curves[0].above_last) == (2, 0.1)
    assert summary.sentences["mini"][0] == (
        "eos-causal (collapsed): the best single layer of 3 is 2 for STS (0.100 above the last). "
        "Seeds 1 and 3 collapsed, so nothing is said about the spread over seeds."
    )
    (other,) = summarize(runs, 0.05, [CollapsedRun("other", "eos-causal", 1, 64)]).models
    assert other.curves[0].gain.beyond and other.label == "eos-causal"


def test_one_model_and_too_few_seeds_say_nothing_about_the_spread():
    (untrained,) = summarize([analysis("untrained-causal", layers=30)], 0.05).models
    said = summarize([analysis("untrained-causal", layers=30)], 0.05).sentences["mini"]
    curve = untrained.curves[0]
    first = f"{curve.best} for STS ({curve.above_last:.3f} above the last), "
    assert said[0].startswith(f"untrained-causal: the best single layer of 30 is {first}")
    assert said[0].endswith("A single model has no spread to compare with.")
    for seeds, words in ((1, "With 1 seed, nothing"), (2, "With 2 seeds, nothing")):
        curve = summary_of([[0.7, 0.6]] * seeds)
        assert curve.gain is None
        sentence = summarize(with_scores([[0.7, 0.6]] * seeds), 0.05).sentences["mini"][0]
        assert f"{words} can be said about the spread over seeds." in sentence


def test_sentences_name_similarity_before_and_after_and_what_poolings_read():
    said = summarize(analyses(layers=4), 0.05).sentences["mini"]
    (causal,) = [line for line in said if "causal attention" in line]
    assert all(name in causal for name in ("untrained-causal", "eos-causal", "multi-layer-causal"))
    assert "bidirectional" not in causal
    (reads,) = [line for line in said if line.startswith("The pooling of multi-layer-causal")]
    assert (
        "reads its 4 layers as evenly as 3.6 layers with equal weights. Layer 4 has the largest weight"
        in reads
    )
    assert reads.endswith("0.25 would be even.")


def test_tables_have_a_row_per_layer_pair_and_category():
    made = analyses(layers=4, seeds=2)
    tables = layer_tables(made, summarize(made, 0.05))
    models = len(BEFORE) + 2 * len(DESIGNS)
    assert len(tables["scores"]) == models * len(CATEGORIES) * 4
    assert len(tables["similarity"]) == models * 6
    assert len(tables["reads"]) == 2 * 2 * 4
    assert len(tables["best"]) == (len(BEFORE) + len(DESIGNS)) * len(CATEGORIES)


def test_the_command_writes_a_summary_that_can_be_read_and_csv_tables(tmp_path):
    made = analyses(layers=4)
    paths = [tmp_path / f"{number}.json" for number in range(len(made))]
    for path, one in zip(paths, made, strict=True):
        write_layers(path, one)
    (tmp_path / "study.json").write_text(json.dumps({"statistics": {"alpha": 0.1}}))
    collapsed = [CollapsedRun("mini", "eos-causal", 2, 64)]
    write_json(tmp_path / "collected.json", to_json(replace(NO_REPORT, collapsed=collapsed)))
    command = [sys.executable, "-m", "embedding_designs.comparison.summarize_layers", *paths,
               "--study", tmp_path / "study.json", "--collected", tmp_path / "collected.json",
               "--output", tmp_path / "layers.json", "--tables", tmp_path / "tables"]  # fmt: skip
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT / "workflow")})
    assert read_layer_summary(tmp_path / "layers.json") == summarize(made, 0.1, collapsed)
    scores = pd.read_csv(tmp_path / "tables" / "scores.csv")
    assert scores["seed"].isna().sum() == len(BEFORE) * len(CATEGORIES) * 4
