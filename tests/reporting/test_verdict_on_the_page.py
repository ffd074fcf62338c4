"""The page opens with the verdict: a sentence, a matrix that matches the statistics, and one diagram."""

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from embedding_designs.comparison.results import Statistics
from embedding_designs.comparison.sentences.claims import findings as sentences_of
from embedding_designs.comparison.statistics_file import read_statistics, write_statistics
from embedding_designs.reporting.write_findings import gather, render
from helpers import browser
from helpers.findings_example import DESIGNS, write_results
from helpers.page_outline import Outline

FIRST_SCREEN = """(() => {
  const bottom = element => element.getBoundingClientRect().bottom;
  const row = document.querySelector('.matrix tbody tr'), page = document.documentElement;
  return {verdict: bottom(document.querySelector('.verdict')), row: bottom(row), height: window.innerHeight,
          diagram: document.querySelector('.answer img').getBoundingClientRect().top,
          needed: page.scrollWidth, width: window.innerWidth};
})()"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return write_results(tmp_path_factory.mktemp("results") / "made-up")


@pytest.fixture(scope="module")
def page(results) -> str:
    return render(gather(results))


@pytest.fixture(scope="module")
def of_models(results, tmp_path_factory) -> str:
    """Return the page of the same scores if they are given, as those of models."""
    folder = tmp_path_factory.mktemp("given") / "mine"
    shutil.copytree(results, folder)
    for part in ("runs", "benchmarks", "data"):
        shutil.rmtree(folder / part)
    (folder / "baselines.csv").unlink()
    (folder / "figures/training-mini.svg").unlink()
    study = {"name": "secret-title", "description": "", "scores": {"from": "table"}, "statistics": {}}
    (folder / "configs/study.json").write_text(json.dumps(study))
    write_statistics(
        folder / "statistics.json", spoken_of_models(read_statistics(folder / "statistics.json"))
    )
    return render(gather(folder))


def spoken_of_models(statistics: Statistics) -> Statistics:
    """Return the statistics as if each design were a published model with one run."""
    found = []
    for comparison in statistics.comparisons:
        runs = replace(comparison.these_designs, refused="One seed.", best=None, one_way=None, pairs=[])
        effects = replace(comparison.factors, anova=None, effects=[], simple=[], refused=[], reason=None)
        model = replace(comparison, unit="model", seeds=[0], these_designs=runs, factors=effects)
        found.append(replace(model, sentences=sentences_of(model, 0.05, 0.01)))
    return replace(statistics, unit="model", scope="About these checkpoints.", comparisons=found)


def test_the_verdict_is_the_first_thing_after_the_title(page, results):
    after = re.sub(r"<[^>]+>", " ", page[page.index("</h1>") :])
    overall = read_statistics(results / "statistics.json").comparisons[-1]
    assert " ".join(after.split()).startswith(overall.sentences["verdict"][0])
    assert page.index('class="matrix"') < page.index("<img") < page.index("<h2>")


def test_the_marks_of_the_matrix_are_the_best_sets(page, results):
    table = Outline(page).table("Verdicts and mean scores")
    comparisons = read_statistics(results / "statistics.json").comparisons
    categories = [comparisons[-1], *comparisons[:-1]]
    assert set(table) == {"", *DESIGNS}
    for design in DESIGNS:
        cells = [cell for place, cell in enumerate(table[design]) if place != 1]  # without the rank
        for comparison, cell in zip(categories, cells, strict=True):
            by_score, over_runs = comparison.these_checkpoints.best_by_score, comparison.these_designs.best
            assert cell.startswith(f"{comparison.mean_scores[design]:.3f}")
            assert ("●" in cell) == (design in by_score.best_set and not by_score.reason)
            assert ("◆" in cell) == (design in over_runs.best_set)


def test_ranks_in_the_matrix_are_those_of_the_statistics(page, results):
    table = Outline(page).table("Verdicts and mean scores")
    ranks = read_statistics(results / "statistics.json").comparisons[-1].these_checkpoints.best_by_score.ranks
    for design, (best, worst) in ranks.items():
        assert table[design][1] == (f"{best}–{worst}" if best < worst else str(best))


def test_the_legend_says_that_categories_are_not_corrected(page):
    assert "each column by itself, not corrected for the number of categories" in page


def test_all_sentences_are_on_the_page_and_those_of_tests_are_folded(page, results):
    text = Outline(page).text.replace("\u00a0", " ")
    folded = unescape("".join(re.findall(r"<details.*?</details>", page, flags=re.DOTALL)))
    for comparison in read_statistics(results / "statistics.json").comparisons:
        for kind, sentences in comparison.sentences.items():
            assert all(sentence in text for sentence in sentences), (comparison.category, kind)
        for sentence in comparison.sentences["these_checkpoints"]:
            assert sentence in folded.replace("\u00a0", " ")


def test_a_page_of_given_scores_speaks_of_models_and_has_no_study_title(of_models):
    shown = of_models[of_models.index("<title>") : of_models.index('<section id="provenance">')]
    words = re.sub(r"<style>.*</style>|<[^>]+>", " ", shown, flags=re.DOTALL)
    assert "Which model is the best" in of_models.partition("</title>")[0]
    assert "secret-title" not in shown
    assert not re.search(r"\bdesigns?\b|\bstudy\b", words), re.findall(r".{40}\b(?:design|study).{20}", words)


def test_names_in_the_matrix_are_escaped(results, tmp_path):
    folder = tmp_path / "odd"
    shutil.copytree(results, folder)
    for file in ("statistics.json", "scores.csv", "configs/study.json"):
        text = (folder / file).read_text().replace("eos-causal", "<i>eos</i>")
        (folder / file).write_text(text)
    page = render(gather(folder))
    assert '<th scope="row">&lt;i&gt;eos&lt;/i&gt;</th>' in page
    assert "<i>eos" not in page


@browser.needed
@pytest.mark.parametrize("width", [1280, 400])
def test_the_first_screen_has_the_verdict_and_the_top_of_the_matrix(page, tmp_path, width):
    file = tmp_path / "findings.html"
    file.write_text(page, encoding="utf-8")
    with browser.opened(file, tmp_path / "profile", width, 800) as tab:
        seen = tab.evaluate(FIRST_SCREEN)
    assert seen["verdict"] < seen["row"] < seen["height"] == 800
    assert seen["diagram"] < seen["height"]
    assert seen["needed"] <= seen["width"] == width
