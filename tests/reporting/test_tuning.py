"""Tuning and collapsed runs on the findings page and in its figure."""

from dataclasses import asdict, replace
from math import log
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from embedding_designs.common.json_files import read_json, write_json
from embedding_designs.comparison.compare import compare_study
from embedding_designs.comparison.layer_results import read_layer_summary, write_layer_summary
from embedding_designs.comparison.layer_summary import summarize
from embedding_designs.comparison.results import Design
from embedding_designs.comparison.statistics_file import read_statistics, write_statistics
from embedding_designs.reporting import write_findings as findings
from embedding_designs.reporting.draw_figures import study_figures
from embedding_designs.reporting.figures.looks import looks
from embedding_designs.reporting.figures.tuning import draw_tuning, tuning_figure
from embedding_designs.reporting.model_verdict import model_verdict
from embedding_designs.reporting.page.collapsed import warning
from embedding_designs.reporting.page.tuning import tuning
from embedding_designs.reporting.trained_figures import Trained
from embedding_designs.scores.collapsed_runs import CollapsedRun
from embedding_designs.scores.report_file import Report
from embedding_designs.scores.score_table import read_scores
from embedding_designs.study.tuning import Choice, Point
from helpers.findings_example import PICTURE, write_results
from helpers.layer_examples import analyses

EOS, MULTI = "eos-causal", "multi-layer-bidirectional"
LOOK = looks([Design(EOS, "eos", "causal"), Design(MULTI, "multi_layer", "bidirectional")])


def choice(key_losses: dict[tuple, float | None]) -> Choice:
    """Return a choice from rates -> loss; the keys are learning rate and pooling learning rate, if any."""
    names = ("learning_rate", "pooling_learning_rate")
    points = [
        Point(dict(zip(names, key, strict=False)), loss, collapsed=loss == log(64))
        for key, loss in key_losses.items()
    ]
    best = min((p for p in points if p.heldout_loss), key=lambda point: point.heldout_loss)
    return Choice(best.settings, best.heldout_loss, 20, 9, 64, points)


CHOICES = {
    EOS: choice({(1e-4,): log(64), (3e-4,): 3.2, (1e-3,): 2.9}),
    MULTI: choice({
        (1e-4, 0.01): 3.4, (1e-4, 0.02): 3.8, (3e-4, 0.01): 3.1, (3e-4, 0.02): 3.3,
        (1e-3, 0.01): 3.5, (1e-3, 0.02): None,
    }),
}  # fmt: skip


@pytest.fixture
def sentences() -> list[str]:
    return tuning(CHOICES)["sentences"]


def test_a_study_without_tuning_has_no_such_section():
    assert tuning({}) is None


def test_the_budget_is_the_same_and_the_reduced_grid_is_explained(sentences):
    assert "trained for 20 steps with seed 9, which no run uses, at each of the 6 points" in sentences[0]
    assert sentences[1].startswith("The pooling of eos-causal has no weights, so points that differ only in")


def test_different_steps_of_equal_compute_are_listed():
    choices = {"echo": replace(choice({(0.1,): 3.0}), steps=9), EOS: choice({(0.1,): 3.0})}
    sentence = tuning(choices)["sentences"][0]
    assert (
        "was trained for as many steps as equal compute allows (echo 9, eos-causal 20) with seed" in sentence
    )


def test_a_design_that_no_point_trained_is_named(sentences):
    hopeless = choice({(0.1,): log(64), (0.2,): None})
    assert (
        "No point of the grid trained a: at each of them, its run collapsed or diverged."
        in (tuning({"a": hopeless, "b": choice({(0.1,): 3.0, (0.2,): 2.0})})["sentences"])
    )
    assert not any("No point" in sentence for sentence in sentences)


def test_choices_at_the_edge_of_the_grid_are_named(sentences):
    assert [sentence for sentence in sentences if "edge" in sentence] == [
        "The chosen learning rate is at the edge of the grid for eos-causal (0.001, the highest); a better "
        "one may lie outside.",
        "The chosen pooling learning rate is at the edge of the grid for multi-layer-bidirectional (0.01, "
        "the lowest); a better one may lie outside.",
    ]


def test_the_order_with_one_setting_for_all_is_by_held_out_loss_and_says_so(sentences):
    assert sentences[-2] == (
        "With one setting for all designs, multi-layer-bidirectional would come first at 3 of 6 points; "
        "eos-causal would come first at 3 of 6 points (by the held-out losses of these tuning runs, not by "
        "scores on tasks)."
    )
    assert sentences[-1].endswith("the order is eos-causal, multi-layer-bidirectional.")
    rows = {row.label: row.cells for row in tuning(CHOICES)["orders"].rows}
    assert rows["learning rate 0.0003, pooling learning rate 0.01"] == [f"{MULTI} 3.100, {EOS} 3.200", "–"]
    assert rows["learning rate 0.001, pooling learning rate 0.02"] == [f"{EOS} 2.900", MULTI]


def test_with_one_key_each_rate_is_named():
    first = choice({(0.1,): 3.0, (0.2,): 2.0, (0.4,): 2.1})
    second = choice({(0.1,): 2.5, (0.2,): 2.5, (0.4,): 2.2})
    assert tuning({"a": first, "b": second})["sentences"][-2].startswith(
        "With one setting for all designs, b would come first at learning rate 0.1; a would come first at "
        "learning rate 0.2 or 0.4 (by"
    )


def test_the_table_of_choices_counts_points_that_failed():
    rows = {row.label: row.cells for row in tuning(CHOICES)["choices"].rows}
    assert rows == {
        EOS: ["0.001", "–", "2.9000", "3", "0", "1"],
        MULTI: ["0.0003", "0.01", "3.1000", "6", "1", "0"],
    }


def test_the_figure_draws_the_losses_by_rate_and_marks_the_choices():
    ax = draw_tuning(CHOICES, {"pooling_learning_rate": 0.01}, LOOK, Figure().add_subplot())
    curves = {tuple(line.get_xdata()): line for line in ax.lines if len(line.get_xdata()) == 3}
    assert list(curves) == [(1e-4, 3e-4, 1e-3)]
    drawn = [list(line.get_ydata()) for line in ax.lines]
    assert [log(64), 3.2, 2.9] in drawn and [3.4, 3.1, 3.5] in drawn
    rings = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    assert [(ring.get_xdata()[0], ring.get_ydata()[0]) for ring in rings] == [(1e-3, 2.9), (3e-4, 3.1)]
    assert ax.get_xscale() == "log"


def test_there_is_one_panel_for_each_value_of_the_other_settings():
    titles = [ax.get_title("left") for ax in tuning_figure(CHOICES, LOOK, 7).axes]
    assert titles == ["pooling learning rate 0.01", "pooling learning rate 0.02"]
    alone = {EOS: CHOICES[EOS]}
    assert [ax.get_title("left") for ax in tuning_figure(alone, LOOK, 7).axes] == ["held-out loss"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return the folder of a study with tuning and layers, in which one run of eos-causal collapsed."""
    folder = write_results(tmp_path_factory.mktemp("results") / "made-up", layers=True)
    study, report = read_json(folder / "configs/study.json"), Report({}, [], {})
    report = replace(report, collapsed=[CollapsedRun("mini", EOS, 2, 128)])
    statistics = compare_study(read_scores(folder / "scores.csv"), study, report=report)
    write_statistics(folder / "statistics.json", statistics)
    write_layer_summary(folder / "layers.json", summarize(analyses(4), 0.05, report.collapsed))
    for design, chosen in CHOICES.items():
        write_json(folder / "tuning/mini" / design / "choice.json", asdict(chosen))
    (folder / "figures/tuning-mini.svg").write_text(PICTURE)
    return folder


@pytest.fixture(scope="module")
def page(folder) -> str:
    return findings.render(findings.gather(folder))


@pytest.fixture(scope="module")
def said(folder) -> dict[str, str]:
    """Return the text of each figure of the study."""
    study, statistics = read_json(folder / "configs/study.json"), read_statistics(folder / "statistics.json")
    layers = read_layer_summary(folder / "layers.json")
    trained = Trained(folder / "runs", folder / "tuning", layers, study=study)
    figures = study_figures(statistics, read_scores(folder / "scores.csv"), 7, trained)
    return {name: " ".join(text.get_text() for text in figure.findobj(Text)) for name, figure in figures}


@pytest.mark.parametrize("kind", ["scores", "score-against-cost", "differences", "interaction"])
def test_figures_of_scores_leave_out_a_collapsed_design(said, kind):
    assert EOS not in said[f"{kind}-mini"] and "multi" in said[f"{kind}-mini"]


@pytest.mark.parametrize("kind", ["training", "tuning", "layers-cka"])
def test_figures_of_training_show_a_collapsed_design(said, kind):
    assert EOS in said[f"{kind}-mini"] and MULTI in said[f"{kind}-mini"]


def test_verdicts_in_the_figure_and_in_model_cards_name_a_collapsed_design(folder, said):
    note = f"Not compared, because a run collapsed: {EOS}."
    assert note in said["verdict-mini"]
    assert model_verdict(read_statistics(folder / "statistics.json"), "mini", EOS).legend.endswith(note)


def test_the_page_shows_the_cost_and_the_layers_of_a_collapsed_design_and_claims_nothing(page):
    cost = page[page.index("Cost of each design") :]
    assert "eos-causal (collapsed)" in cost[: cost.index("</table>")]
    assert "Seed 2 collapsed, so nothing is said about the spread over seeds." in page


def test_the_page_warns_of_collapsed_runs_before_its_findings(page):
    warning = page.index("1 of 15 runs collapsed: eos-causal seed2 on mini (final held-out loss within 2%")
    assert warning < page.index('class="matrix"')
    assert "eos-causal on mini: scores are shown, but no test includes them." in page


def test_a_base_without_two_designs_to_compare_is_said_to_be_in_the_table_only():
    runs = [CollapsedRun("mini", EOS, 1, 128), CollapsedRun("other", EOS, 1, 128)]
    said = " ".join(warning(runs, 30, ["mini"]))
    assert "eos-causal on mini: scores are shown" in said and "on other: scores" not in said
    assert "other is not on this page" in said and "its scores are in scores.csv" in said


def test_the_page_shows_the_scores_of_a_collapsed_design_outside_the_tests(page):
    aside = page[page.index("Baselines and designs with a collapsed run, not included in any test") :]
    assert "eos-causal (collapsed)" in aside[: aside.index("</table>")]
    tests = page[page.index("All pairwise tests") :]
    assert "eos-causal" not in tests[: tests.index("</table>")]


def test_the_page_has_a_section_on_tuning(page):
    section = page[page.index('<section id="tuning">') :]
    section = section[: section.index("</section>")]
    assert '<a href="#tuning">' in page and "<img" in section
    assert "Settings chosen for each design" in section and "with one setting for all" in section


def test_a_page_without_tuning_or_collapsed_runs_mentions_neither(tmp_path):
    page = findings.render(findings.gather(write_results(tmp_path / "plain")))
    assert "Tuning" not in page and "ollapsed runs." not in page
