"""`compare` takes a table as used in notebooks, and reports what is wrong with it in one line."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from scipy import stats

from embedding_designs import compare
from embedding_designs.common.errors import BadInput
from embedding_designs.comparison.compare import compare_study
from embedding_designs.scores.score_table import COLUMNS
from helpers.paths import WORKFLOW

SCORES = {  # on tasks A to D
    "eos": [0.1, 0.2, 0.3, 0.4],
    "mean": [0.2, 0.3, 0.2, 0.5],
    "multi": [0.3, 0.1, 0.4, 0.6],
}
TASKS = ["STS12", "STS13", "STS14", "STS15", "SciFact", "NFCorpus", "ArguAna", "FiQA2018"]


@pytest.fixture(autouse=True)
def without_windows():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def table() -> pd.DataFrame:
    rows = [
        (design, task, "STS", score)
        for design, scores in SCORES.items()
        for task, score in zip("ABCD", scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=["design", "task", "category", "score"])


def wide(seed: int = 0) -> pd.DataFrame:
    """Return scores of three models on TASKS; one is the best on each."""
    random = np.random.default_rng(seed)
    levels = {"good": 0.8, "fair": 0.6, "weak": 0.58}
    scores = {model: level + random.normal(0, 0.01, len(TASKS)) for model, level in levels.items()}
    return pd.DataFrame(scores, TASKS).rename_axis("task").round(6)


@pytest.fixture(scope="module")
def one_run():
    return compare(wide())


@pytest.fixture(scope="module")
def three_runs():
    runs = [wide(seed).T.rename_axis("design").assign(seed=seed) for seed in (1, 2, 3)]
    return compare(pd.concat(runs).reset_index())


def test_designs_are_ranked_on_every_task():
    # A: 3 2 1, B: 2 1 3, C: 2 3 1, D: 3 2 1
    assert compare(table()).ranks["average_rank"].to_dict() == {"multi": 6 / 4, "mean": 8 / 4, "eos": 10 / 4}


def test_omitted_columns_get_defaults():
    described = table().assign(
        base="all", pooling="unknown", attention="unknown", seed=0, metric="main_score"
    )
    expected = compare_study(described[COLUMNS], {"name": "scores"})
    assert compare(table()).statistics.comparisons == expected.comparisons


def test_a_table_and_its_file_give_the_same_results(tmp_path):
    table().to_csv(tmp_path / "scores.csv", index=False)
    given = [table(), tmp_path / "scores.csv", [str(tmp_path / "scores.csv")]]
    first, *others = [compare(one).statistics.comparisons for one in given]
    assert others == [first, first]


def test_the_verdict_is_a_sentence_and_the_best_set_a_list(one_run):
    (sentence,) = one_run.verdict
    assert sentence.startswith("Use good. ")
    assert one_run.best_set.tasks == one_run.best_set.tasks_by_rank == ["good"]
    assert one_run.best_set.runs is None  # one run of each model says nothing about new ones


def test_seeds_give_claims_over_runs(three_runs):
    assert three_runs.best_set.runs == ["good"]
    assert "new trainings" in three_runs.verdict[0]
    assert three_runs.pairs["p_over_runs"].notna().all()


def test_what_is_compared_is_called_as_told(one_run, three_runs):
    assert one_run.ranks.index.name == "model" and three_runs.ranks.index.name == "design"
    assert repr(compare(table(), unit="model")).startswith("3 models compared on 4 tasks")
    assert repr(compare(wide(), unit="design")).startswith("3 designs compared on 8 tasks")


def test_pairs_have_the_difference_its_interval_and_wilcoxon_s_p(one_run):
    scores, pairs = wide(), one_run.pairs.set_index(["first", "second"])
    assert len(pairs) == 3
    for (first, second), row in pairs.iterrows():
        difference = scores[first] - scores[second]
        assert row["mean_difference"] == pytest.approx(difference.mean(), abs=1e-6)
        assert row["p_uncorrected"] == pytest.approx(stats.wilcoxon(difference).pvalue)
        # a bootstrap of tasks, with Student's t: close to the interval of the paired t test
        expected = stats.ttest_1samp(difference, 0).confidence_interval()
        assert (row["low"], row["high"]) == pytest.approx(tuple(expected), abs=0.002)


def test_ranks_have_intervals_and_the_best_set(one_run):
    ranks = one_run.ranks
    assert ranks.index[0] == "good" and ranks["average_rank"].is_monotonic_increasing
    assert (ranks["rank_low"] <= ranks["average_rank"]).all()
    assert ranks["could_be_best_by_score"].to_dict() == {"good": True, "fair": False, "weak": False}
    assert ranks.loc["good", ["best_rank_by_score", "worst_rank_by_score"]].tolist() == [1, 1]


def test_a_category_can_be_chosen(one_run):
    assert one_run.categories == ["Retrieval", "STS", "All"]
    assert one_run.of("STS").tests.tasks == TASKS[:4]
    assert one_run.of("STS").pairs["wins"].tolist()[0] == 4
    with pytest.raises(BadInput, match=r'^category "sts" is not in the table; .*STS'):
        one_run.of("sts")


def test_bases_are_compared_separately():
    both = pd.concat([table().assign(base=base) for base in ("small", "large")])
    result = compare(both)
    assert [sentence.split(":")[0] for sentence in result.verdict] == ["small", "large"]
    with pytest.raises(BadInput, match=r'choose one of .*, as in .of\(base="…"\)'):
        _ = result.pairs
    assert len(result.of(base="small").pairs) == 3


def test_losses_are_better_if_they_are_lower():
    assert compare(1 - wide(), higher_is_better=False).best_set.tasks == ["good"]


@pytest.mark.parametrize("name", ["critical_difference", "significance", "differences", "mean_scores"])
def test_figures_are_drawn_into_an_ax_or_a_new_figure_and_returned(one_run, name):
    draw = getattr(one_run.plot, name)
    _, ax = pyplot.subplots()
    assert draw(ax) is ax and ax.has_data()
    new = draw()
    assert new is not ax and new.has_data()


def test_the_bars_of_the_diagram_are_of_a_known_test(one_run):
    assert one_run.plot.critical_difference(test="wilcoxon").has_data()
    with pytest.raises(BadInput, match=r"^test 'tukey' is not known; choose nemenyi or wilcoxon"):
        one_run.plot.critical_difference(test="tukey")


def test_the_size_counts_each_model_and_task_once_and_only_of_the_chosen_base():
    two = wide().rename(columns={"weak": "poor"}).drop(columns="fair").T
    bases = [wide().T.assign(base="mini"), two.assign(base="tiny")]
    result = compare(pd.concat(bases).rename_axis("model").reset_index())
    assert repr(result).startswith("4 models compared on 8 tasks")
    assert repr(result.of(base="tiny")).startswith("2 models compared on 8 tasks")
    assert repr(result.of("STS")).startswith("4 models compared on 4 tasks of STS")


def test_a_notebook_shows_the_verdict_and_a_small_table(one_run):
    shown = one_run._repr_html_()
    assert "Use good." in shown and shown.count("<tr") == 1 + 1 + 3
    assert "<script" not in compare(wide().rename(columns={"weak": "<script>"}))._repr_html_()


def test_the_page_is_the_findings_page_in_one_file(one_run, tmp_path):
    one_run.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Use good." in page and 'src="data:image/svg' in page
    assert "one row per task, one column per model" in page  # what was inferred
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def left_out(result) -> str:
    return "\n".join(result.left_out)


def test_nothing_is_left_out_of_a_complete_table(one_run):
    assert one_run.left_out == []


def test_tasks_without_a_score_of_some_model_are_left_out_on_request_and_listed():
    scores = wide()
    scores.loc["SciFact", "weak"] = np.nan
    with pytest.raises(BadInput, match=r"^scores: 1 score missing: weak on SciFact; .*in Python, missing="):
        compare(scores)
    result = compare(scores, missing="drop_tasks")
    assert "SciFact" not in result.tests.tasks
    assert "1 task not used: SciFact (a score of weak is missing)" in left_out(result)


def test_models_without_a_score_are_left_out_on_request_and_listed():
    scores = wide()
    scores.loc["SciFact", "weak"] = np.nan
    result = compare(scores, missing="drop_models")
    assert list(result.ranks.index) == ["good", "fair"]
    assert "1 model not used: weak (a score is missing" in left_out(result)


def test_columns_and_categories_that_are_not_compared_are_listed(capsys):
    result = compare(wide().T.rename_axis("model").assign(Average=0.5, licence="MIT"))
    assert "1 task not used: Average (computed from the others)" in left_out(result)
    assert "1 column not used: licence (no numbers in it)" in left_out(result)
    alone = compare(wide().rename({"ArguAna": "mine"}))
    assert "1 category not used: other (with a single task" in left_out(alone)
    assert "mine" in alone.tests.tasks
    assert "not used: Average" in capsys.readouterr().err


def test_columns_of_a_tidy_table_that_are_not_read_are_listed():
    assert "1 column not used: remark" in left_out(compare(table().assign(remark="x")))


UNNAMED = pd.DataFrame({"thing": ["p", "q"], "x": [0.1, 0.3], "y": [0.2, 0.4]})


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (UNNAMED, 'scores: column "thing" does not say .*; call it model or task, .*tasks_in'),
        (UNNAMED.set_index("thing").rename_axis(None), "scores: the first column, without a name, does not"),
        (table().head(0), "scores: no scores"),
        (wide() * [100, 100, 1], "scores:row 0: model weak has scores up to 0.*use one scale"),
        (wide().T.rename_axis("model") * [100, *[1] * 7], "scores:row 0: task STS13 has"),
        (wide().rename(columns={"weak": "Good"}), 'scores:row 0: model "Good" is spelled "good" elsewhere'),
        (wide()[["good"]], "scores: 1 model; a comparison needs two or more models"),
        (wide() * 0, "scores: All score the same on every task"),
        (wide().head(1), "scores: 1 task; a comparison needs two or more tasks"),
        (table().assign(score=500.0), "scores:row 0: .*score .* is not a number from -1 to 1"),
        (table().head(11), "scores: 1 score missing: multi on D"),
        (table().replace(0.6, None), "scores: 1 score missing: multi on D"),
        (pd.concat([table(), table()]), "scores:row 12: a second score for .*eos, seed 0, task A"),
        (pd.concat([table(), table()], axis="columns"), 'scores: column "design" appears twice'),
        ("absent.csv", "absent.csv: no such file"),
        ([], "scores: no tables"),
        (pd.concat({"STS": wide().T}, axis="columns"), "scores: its columns have 2 levels"),
        (wide().T.reset_index(drop=True), 'scores: the first column, "[^"]+", has only numbers'),
        ([0.1, 0.2], "scores: float is not a pandas table or the path of a CSV file"),
    ],
)
def test_unusable_scores_are_rejected_in_one_line(scores, message):
    with pytest.raises(BadInput, match=f"^({message})") as refused:
        compare(scores)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "run"}, "unit 'run' is not known; choose from None, 'model', 'design'"),
        ({"missing": "impute"}, "missing 'impute' is not known; choose from 'refuse'"),
        ({"tasks_in": "cells"}, "tasks_in 'cells' is not known"),
        ({"alpha": 2}, "alpha 2"),
        ({"level": 0.05}, "level is not known"),
        ({"control": "bm25"}, 'control "bm25" is not a design'),
    ],
)
def test_unusable_settings_are_rejected_in_one_line(settings, message):
    with pytest.raises(BadInput, match=f"^{message}"):
        compare(table(), **settings)


def test_the_orientation_can_be_stated():
    more = pd.DataFrame({"thing": ["p", "q"], "x": [0.1, 0.3], "y": [0.2, 0.4]})
    assert set(compare(more, tasks_in="rows").ranks.index) == {"x", "y"}
    assert set(compare(more, tasks_in="columns").ranks.index) == {"p", "q"}


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, embedding_designs; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(WORKFLOW)}, check=True)
