"""The findings page is complete, matches its files, is escaped, and needs no network."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, stdev

import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.comparison import compare
from embedding_designs.comparison.statistics_file import read_statistics, write_statistics
from embedding_designs.data.composition import composition
from embedding_designs.reporting import write_findings as findings
from embedding_designs.reporting.page import cost, data, tables
from embedding_designs.scores.not_used import NotUsed
from embedding_designs.scores.score_table import read_scores
from helpers import browser
from helpers.findings_example import DESIGNS, SEEDS, TASKS, write_results
from helpers.page_outline import Outline


def page_of(folder: Path) -> str:
    return findings.render(findings.gather(folder))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return write_results(
        tmp_path_factory.mktemp("results") / "made-up", "About <script>alert(1)</script> & more"
    )


@pytest.fixture(scope="module")
def page(results) -> str:
    return page_of(results)


def test_every_comparison_has_a_diagram_with_an_alternative_text(page):
    alts = [image["alt"] for image in Outline(page).named("img")]
    diagrams = [alt for alt in alts if alt.startswith("Critical-difference diagram")]
    assert [re.match(r".*?, (\w+)\.", alt)[1] for alt in diagrams] == ["All", "All", *TASKS]
    assert all(f"{design} " in alt for alt in diagrams for design in DESIGNS)
    assert len(alts) == len(diagrams) + 3  # scores, training, and score against cost


def test_the_composition_of_the_data_is_shown_as_a_figure_and_a_table(results, tmp_path):
    folder = tmp_path / results.name
    shutil.copytree(results, folder)
    rows = [{"query": "two words", "positive": "x", "source": "nli" if n % 4 else "qa"} for n in range(40)]
    report = json.loads((folder / "data/report.json").read_text()) | composition(rows, rows[:2])
    (folder / "data/report.json").write_text(json.dumps(report))
    (folder / "figures/data-composition.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    outline = Outline(page_of(folder))
    assert outline.table("Composition")["nli"] == ["30", "0.75", "90", "0.75", "3", "1"]
    assert outline.table("Words per text: query")["qa"] == ["2"] * 5
    assert any("Share of each source" in image["alt"] for image in outline.named("img"))


def test_score_table_contains_the_means_of_the_scores(page, results):
    table = Outline(page).table("Mean score")
    rows = read_csv(results / "scores.csv")
    for design in DESIGNS:
        for place, category in enumerate(["All", *TASKS]):
            by_seed = [
                mean(
                    float(row["score"])
                    for row in rows
                    if row["design"] == design
                    and int(row["seed"]) == seed
                    and category in ("All", row["category"])
                )
                for seed in SEEDS
            ]
            assert table[design][place] == f"{mean(by_seed):.3f} ± {stdev(by_seed):.3f}"


def test_baselines_follow_the_designs_with_dashes_for_missing_scores(page, results):
    table = Outline(page).table("Mean score")
    rows = [row for row in read_csv(results / "baselines.csv") if row["baseline"] == "bm25"]
    retrieval = mean(float(row["score"]) for row in rows if row["category"] == "Retrieval")
    assert table["bm25"][:2] == ["–", f"{retrieval:.3f}"]  # not on all tasks, so no mean over all
    assert table["bm25"][3:] == ["–", "–"]
    assert "Baselines, not included in any test" in table
    assert "–" not in table["untrained-base"]


def test_best_design_of_each_column_is_bold(page):
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', page, flags=re.S)
    bold = {label: cells.count("<strong>") for label, cells in rows if "±" in cells}
    assert sum(bold.values()) == 1 + len(TASKS)
    assert bold["multi-layer-bidirectional"] == 3  # All, Retrieval, Reranking


def test_findings_come_first_and_state_their_kind_of_claim(page, results):
    text = Outline(page).text
    comparisons = read_statistics(results / "statistics.json").comparisons
    sentences = [sentence for c in comparisons for claim in c.sentences.values() for sentence in claim]
    shown = text.replace("\u00a0", " ")
    assert all(sentence in shown for sentence in sentences)
    overall = comparisons[-1].sentences
    places = [
        text.index(part)
        for part in (overall["verdict"][0].split(". ")[1], "What cannot be decided", "What the tests found",
                     overall["these_checkpoints"][0], "These designs (tests over runs")
    ]  # fmt: skip
    assert places == sorted(places)
    assert "not evidence about large language models" in text
    assert "Only the second kind says how a newly trained checkpoint would do" in text


def test_a_hub_base_is_not_called_small(tmp_path):
    folder = write_results(tmp_path / "hub")
    study = json.loads((folder / "configs/study.json").read_text())
    study["bases"]["mini"] = {"model": "a/model", "finetuning": "full"}
    (folder / "configs/study.json").write_text(json.dumps(study))
    assert "not evidence about large" not in page_of(folder)


def test_text_is_escaped(page):
    assert "About &lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert Outline(page).named("script") == []


def test_nothing_is_loaded_from_elsewhere(page):
    addresses = [
        value
        for _, attributes in Outline(page).elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "url(" not in page
    assert "@import" not in page


def test_page_is_the_same_for_the_same_files(page, results):
    assert page_of(results) == page


def test_cost_is_the_median_over_the_seeds_of_the_study(results):
    stray = results / "runs/mini/eos-causal/seed9"  # left over from an earlier version of the study
    stray.mkdir()
    (stray / "training.jsonl").write_text('{"event": "summary", "seconds": 1e6}\n')
    costs = Outline(page_of(results)).table("Cost")
    assert costs["last-layer-causal"][4] == f"{median(31 + seed / 4 for seed in SEEDS):,.0f}"
    assert costs["last-layer-causal"][:2] == ["200", "4,100,000"]
    assert costs["eos-causal"][4] == f"{median(30 + seed / 4 for seed in SEEDS):,.0f}"
    took = [sum(tasks * seed + 0.5 for tasks in TASKS.values()) for seed in SEEDS]
    assert costs["eos-causal"][7] == f"{median(took):,.0f}"


def test_computed_costs_stand_beside_measured_ones_and_efficient_designs_are_named(page):
    """4 layers of 4 x 128 x 128 + 3 x 128 x 384 weights, and attention 4 x 4 x 128 per token of the text; 200
    steps of 64 rows of 20 + 64 + 64 tokens in 256 micro-steps, three passes each."""
    weights = 4 * (4 * 128**2 + 3 * 128 * 384)
    row = sum(tokens * (2 * weights + 4 * 4 * 128 * tokens) for tokens in (20, 64, 64))
    costs = Outline(page).table("Cost")
    assert costs["eos-causal"][8] == f"{200 * 256 * 64 * 3 * row / 1e15:.1f}"
    section = page[page.index('<section id="cost">') :]
    assert ">PFLOPs</th>" in section and "<p>Efficient: eos-causal" in section
    assert "Compute was equal" not in page


def test_equal_compute_is_said_where_the_steps_are_listed(tmp_path):
    folder = write_results(tmp_path / "made-up")
    study = json.loads((folder / "configs/study.json").read_text())
    study["training"]["budget"] = {"tokens": "eos-causal"}
    (folder / "configs/study.json").write_text(json.dumps(study))
    section = page_of(folder).partition('<section id="cost">')[2]
    assert "<p>Compute was equal, not the number of steps: " in section
    assert "could cost at most 484,966,400 tokens, as much as eos-causal costs with 200 steps.</p>" in section


def test_untestable_category_is_marked_as_such(page):
    row = Outline(page).table("What the tests found")["Clustering"]
    assert row[0] == "1"
    assert row[2:7] == ["–", "–", "–", "–", "not testable"]


def test_significant_p_values_are_bold(results):
    comparisons = read_statistics(results / "statistics.json").comparisons
    table = tables.pairs(comparisons)
    found = sum(pair.significant for c in comparisons for pair in c.these_checkpoints.nemenyi.pairs)
    assert found > 0
    assert sum(7 in row.best for row in table.rows) == found
    assert table.header[1 + 7] == "Nemenyi p"


def test_any_report_becomes_tables():
    overview, groups, folded = data.report({
        "rows": 12345, "share": 0.12345, "none": None, "names": ["a", "b"], "dropped": {"too_long": 3},
        "groups": {"x": {"n": 1}, "y": {"n": 2, "m": True}}, "many": {str(n): n for n in range(20)},
    })  # fmt: skip
    assert {row.label: row.cells[0] for row in overview.rows} == {
        "rows": "12,345", "share": "0.1235", "none": "–", "names": "a, b", "dropped: too long": "3",
    }  # fmt: skip
    assert groups.header == ["", "n", "m"]
    assert [row.cells for row in groups.rows] == [["1", "–"], ["2", "yes"]]
    assert folded.long
    assert len(folded.rows) == 20


def test_numeric_columns_are_recognized():
    rows = [
        tables.Row("a", ["0.500 ± 0.010", "1.2.3rc1", "< 0.001"]),
        tables.Row("b", ["–", "2", "0.5"]),
    ]
    assert tables.Table("", [], rows).numeric == [True, False, True]


def test_each_base_has_its_own_findings(tmp_path):
    outline = Outline(page_of(write_results(tmp_path / "two", bases=("large", "small"))))
    assert len(outline.named("img")) == 2 * (len(TASKS) + 5)
    assert "Base large" in outline.text
    assert "Base small" in outline.text


def test_study_that_starts_from_scores_has_a_page(tmp_path):
    folder = write_results(tmp_path / "published")
    for name in ("baselines.csv", "figures/training-mini.svg"):
        (folder / name).unlink()
    (folder / "runs").rename(tmp_path / "runs")
    (folder / "benchmarks").rename(tmp_path / "benchmarks")
    (folder / "data").rename(tmp_path / "data")
    outline = Outline(page_of(folder))
    sections = [section["id"] for section in outline.named("section")]
    assert sections == ["verdict", "undecidable", "tests", "ranks", "effects", "scores", "provenance"]
    links = [link["href"] for link in outline.named("a")]
    assert links == [f"#{section}" for section in sections]


def test_missing_figure_is_named(tmp_path):
    folder = write_results(tmp_path / "bare")
    (folder / "figures/cd-mini-STS.svg").unlink()
    with pytest.raises(BadInput, match=r"cd-mini-STS\.svg: no such figure"):
        page_of(folder)


def test_broken_training_log_is_named_with_its_line(tmp_path):
    log = tmp_path / "training.jsonl"
    log.write_text('{"event": "train"}\n{"event": "summ')
    with pytest.raises(BadInput, match=r"training\.jsonl:2: not JSON"):
        cost.read_summary(log)


def test_command_writes_the_page_and_names_a_missing_folder(results, tmp_path):
    command = [sys.executable, "-m", "embedding_designs.reporting.write_findings"]
    package = {"cwd": Path(findings.__file__).parents[2], "capture_output": True, "text": True}
    output = tmp_path / "page" / "findings.html"
    subprocess.run([*command, str(results), "--output", str(output)], check=True, **package)
    assert output.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    failed = subprocess.run([*command, str(tmp_path / "none"), "--output", str(output)], **package)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: ")
    assert len(failed.stderr.splitlines()) == 1


def test_a_dropped_task_is_named_and_no_cell_is_nan(tmp_path):
    folder = write_results(tmp_path / "dropped")
    study = json.loads((folder / "configs/study.json").read_text())
    study["statistics"]["missing"] = "drop_tasks"
    (folder / "configs/study.json").write_text(json.dumps(study))
    rows = read_csv(folder / "scores.csv")
    rows[0]["score"] = ""
    lost, category = rows[0]["task"], rows[0]["category"]
    with (folder / "scores.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    statistics = compare.compare_study(read_scores(folder / "scores.csv"), study)
    write_statistics(folder / "statistics.json", statistics)
    outline = Outline(page_of(folder))
    cells = [cell for rows in outline.tables.values() for row in rows for cell in row]
    assert not any(re.search(r"\bnan\b", cell, re.IGNORECASE) for cell in cells)
    assert lost not in outline.table("Score on each task")
    assert len(outline.table("Score on each task")) == sum(TASKS.values())  # the header, and one task less
    assert outline.table("What the tests found")[category][0] == str(TASKS[category] - 1)
    lacking = f"1 task not used: {lost} (a score of {rows[0]['design']} is missing on mini)"
    assert lacking in outline.text
    assert f"scored on {sum(TASKS.values()) - 1} tasks" in outline.text.replace("\n", " ")


def test_unused_input_comes_before_the_tests_and_revisions_under_provenance(tmp_path):
    folder = write_results(tmp_path / "report")
    statistics = read_statistics(folder / "statistics.json")
    assert "model not used" not in Outline(page_of(folder)).text
    statistics = replace(
        statistics,
        not_used=[NotUsed("model", 1, ["<b>best</b>"], "a score is missing")],
        revisions={"me/c@step-500": "step-500"},
    )
    write_statistics(folder / "statistics.json", statistics)
    page = page_of(folder)
    unused = "1 model not used: &lt;b&gt;best&lt;/b&gt; (a score is missing)"
    assert page.index(unused) < page.index("What the tests found")
    assert Outline(page).table("Revisions of the scored models")["me/c@step-500"] == ["step-500"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("statistics.json", "[]", "statistics.json: not a JSON object"),
        ("statistics.json", '{"study": "x", "alpha": 0.05}', "statistics.json: rope is missing"),
        ("configs/study.json", '{"name": "x", "description": "", "designs": []}', "designs is not an object"),
        (
            "baselines.csv",
            "base,task\na,b\n",
            "baselines.csv: column baseline is missing; required: base, ",
        ),
        ("baselines.csv", "", "baselines.csv: empty"),
    ],
)
def test_a_file_of_the_wrong_kind_is_named(tmp_path, file, content, message):
    folder = write_results(tmp_path / "wrong")
    (folder / file).write_text(content)
    with pytest.raises(BadInput, match=re.escape(message)):
        page_of(folder)


@browser.needed
@pytest.mark.parametrize("width", [1280, 400])
def test_page_in_a_browser_shows_every_figure_and_fetches_nothing(page, tmp_path, width):
    file = tmp_path / "findings.html"
    file.write_text(page, encoding="utf-8")
    with browser.opened(file, tmp_path / "profile", width) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        images = tab.evaluate(
            "[...document.images].map(i => [i.naturalWidth, i.clientWidth, i.clientHeight])"
        )
        needed, window = tab.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        fetched = tab.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert len(images) == len(TASKS) + 5
    assert all(min(sizes) > 0 for sizes in images)
    assert window == width
    assert needed <= width
    assert {address.split(":")[0] for address in [*tab.requests, *fetched]} <= {"file", "data"}
    assert [address for address in tab.requests if address.startswith("file:")] == [file.as_uri()]
