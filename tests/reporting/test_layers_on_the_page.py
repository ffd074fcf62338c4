"""The findings page shows the layers of a study that analyzes them, and nothing about them otherwise."""

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.json_files import read_json, write_json
from embedding_designs.comparison.layer_results import read_layer_summary
from embedding_designs.comparison.layer_summary import summarize
from embedding_designs.reporting import write_findings as findings
from embedding_designs.reporting.page.layers import best_layers
from helpers.findings_example import write_results
from helpers.layer_examples import CATEGORIES, analyses


def page_of(folder) -> str:
    return findings.render(findings.gather(folder))


def test_sentences_figures_and_the_table_of_best_layers_are_on_the_page(tmp_path):
    folder = write_results(tmp_path / "made-up", bases=("mini", "other"), layers=True)
    page = page_of(folder)
    assert '<a href="#layers">Layers</a>' in page and '<section id="layers">' in page
    summary = read_layer_summary(folder / "layers.json")
    assert list(summary.sentences) == ["mini", "other"]
    for base, sentences in summary.sentences.items():
        assert all(sentence in page for sentence in sentences)
        assert page.count(f"before and after training ({base})") == 2  # its label and its caption
        assert page.count(f"linear CKA, which compares how two layers arrange the texts ({base})") == 2
    assert page.count("The best layer of each model; bold") >= 2
    assert "the mean of its token states, L2-normalized" in page


def test_a_study_without_the_key_has_no_section_even_if_a_summary_was_left(tmp_path):
    folder = write_results(tmp_path / "made-up", layers=True)
    study = read_json(folder / "configs/study.json")
    del study["layers"]
    write_json(folder / "configs/study.json", study)
    for figure in folder.glob("figures/layers-*"):
        figure.unlink()
    page = page_of(folder)
    assert 'id="layers"' not in page and "#layers" not in page


def test_a_missing_summary_is_one_line(tmp_path):
    folder = write_results(tmp_path / "made-up", layers=True)
    (folder / "layers.json").unlink()
    with pytest.raises(BadInput, match=r"layers\.json: no such file$"):
        findings.gather(folder)


def test_the_table_has_a_row_per_model_and_category_and_bold_intervals_beyond_the_spread():
    models = summarize(analyses(layers=30), 0.05).models
    table = best_layers(models, 0.05)
    assert len(table.rows) == len(models) * len(CATEGORIES)
    assert table.header[-1] == "95% interval"
    for row, (model, curve) in zip(table.rows, [(m, c) for m in models for c in m.curves], strict=True):
        assert row.cells[2] == f"{curve.best} of 30"
        assert float(row.cells[3]) - float(row.cells[4]) == pytest.approx(curve.above_last, abs=0.0011)
        assert row.cells[6] == "–" if not model.trained else row.cells[6] != "–"
        assert bool(row.best) == bool(curve.gain and curve.gain.beyond)
