"""Published scores become the table that the comparison starts from; nothing is guessed or left out."""

import re
import subprocess
import sys

import mteb
import pandas as pd
import pytest

from embedding_designs.common.errors import BadInput
from embedding_designs.common.score_files import write_scores
from embedding_designs.modules.poolings import POOLINGS
from embedding_designs.scores.missing_scores import complete
from embedding_designs.scores.published.labels import read_labels
from embedding_designs.scores.published.pools import published_scores
from embedding_designs.scores.score_table import read_scores
from embedding_designs.study.study import load_study
from helpers.paths import ROOT

LEADERBOARD = ROOT / "config" / "studies" / "leaderboard.yaml"
WIDE = """model_name,STS12,STS13,NFCorpus
org/first,0.7,0.8,0.3
org/second,0.6,0.9,0.2
other/third,0.5,0.4,
"""
LABELS = """model,name,backbone,pooling,attention
org/first,First,A,eos,causal
org/second,,A,mean,bidirectional
other/third,Third,B,,
"""
TIDY = """design,seed,task,category,score
a,1,own task,Mine,0.1
a,2,own task,Mine,0.2
b,1,own task,Mine,0.3
b,2,own task,Mine,0.4
"""


def scores_of(source: dict) -> pd.DataFrame:
    """Return only the table of scores."""
    return published_scores(source).rows


@pytest.fixture
def source(tmp_path):
    """Return a function that makes the `scores` of a study from the text of a table."""

    def make(text: str = WIDE, labels: str | None = LABELS, **keys) -> dict:
        file = tmp_path / "scores.csv"
        file.write_text(text)
        made = {"from": "published", "path": str(file), "benchmark": None, "tasks": [], "pools": {}}
        if labels is not None:
            (tmp_path / "labels.csv").write_text(labels)
            made["labels"] = str(tmp_path / "labels.csv")
        return made | keys

    return make


@pytest.fixture(scope="module")
def leaderboard():
    """Return scores.csv of the shipped study, collected in the folder where the workflow runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return scores_of(load_study(LEADERBOARD)["scores"])


def test_the_shipped_pools_are_complete_on_the_benchmark(leaderboard):
    tasks = {task.metadata.name: task.metadata.type for task in mteb.get_benchmark("MTEB(eng, v2)").tasks}
    assert dict(zip(leaderboard["task"], leaderboard["category"], strict=True)) == tasks
    pools = leaderboard.groupby("base", sort=False)["design"].nunique()
    assert pools.to_dict() == {"llm-based": 21, "mistral-7b": 9, "all-complete": 183}
    assert complete(leaderboard, {})[1] == {}
    assert not leaderboard.duplicated(["base", "design", "task"]).any()


def test_published_scores_are_not_changed(leaderboard):
    """Mean(Task) on MTEB(eng, v2) in percent, as given in the models' own configs and reports."""
    printed = {
        "QZhou-Embedding": 75.97,  # arXiv 2508.21632
        "Qwen3-Embedding-8B": 75.22,  # arXiv 2506.05176
        "F2LLM-4B": 73.67,  # arXiv 2510.02294
        "EmbeddingGemma-300m": 69.67,  # arXiv 2509.20354
    }
    means = 100 * leaderboard[leaderboard["base"] == "llm-based"].groupby("design")["score"].mean()
    for model, mean in printed.items():
        assert means[model] == pytest.approx(mean, abs=0.01), model


def test_models_have_their_labels(leaderboard):
    labels = leaderboard.drop_duplicates("design").set_index("design")[["pooling", "attention"]]
    assert labels.loc["e5-mistral-7b-instruct"].tolist() == ["eos", "causal"]
    assert labels.loc["NV-Embed-v2"].tolist() == ["latent_attention", "bidirectional"]


def test_the_comparison_can_read_the_table_that_is_written(leaderboard, tmp_path):
    write_scores(leaderboard, tmp_path / "scores.csv")
    assert len(read_scores(tmp_path / "scores.csv")) == (21 + 9 + 183) * 41


def test_every_label_has_a_source_and_uses_the_projects_terms():
    labels = read_labels(ROOT / "resources" / "published" / "llm-embedding-models.csv")
    assert set(labels["labels"]) == {"verified", "incomplete"}
    assert (labels["source"] != "").all()
    assert set(labels["pooling"]) <= {*POOLINGS, ""}
    assert set(labels["attention"]) <= {"causal", "bidirectional", ""}
    verified = labels["labels"] == "verified"
    assert (labels.loc[verified, ["name", "backbone", "pooling", "attention"]] != "").all(axis=None)
    assert (labels.loc[~verified, "note"] != "").all()


def test_the_shipped_study_needs_no_import_of_mteb(tmp_path):
    """Importing mteb takes longer than everything else."""
    code = (
        "import sys; from embedding_designs.study.show_study import load_study; "
        "from embedding_designs.scores.published.pools import published_scores; "
        f"published_scores(load_study({str(LEADERBOARD)!r})['scores']); print('mteb' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                         env={"PYTHONPATH": "workflow"})  # fmt: skip
    assert run.stdout.strip() == "False", run.stderr


def test_pools_are_bases_and_models_can_be_given_by_name(source):
    pools = {
        "pair": {"models": ["Third", "first"]},
        "of-a": {"where": {"backbone": "A"}},
        "either": {"where": {"backbone": ["A", "B"]}, "complete": True},
    }
    scores = scores_of(source(tasks=["STS12", "STS13"], pools=pools))
    designs = {base: list(own["design"].unique()) for base, own in scores.groupby("base", sort=False)}
    assert designs == {
        "pair": ["Third", "First"],
        "of-a": ["First", "second"],
        "either": ["First", "second", "Third"],
    }
    labels = scores.drop_duplicates("design").set_index("design")[["pooling", "attention"]]
    assert labels.loc["Third"].tolist() == ["unknown", "unknown"]
    assert labels.loc["second"].tolist() == ["mean", "bidirectional"]
    assert scores.loc[scores["base"] == "of-a", "score"].tolist() == [0.7, 0.8, 0.6, 0.9]


def test_a_name_that_two_models_share_is_shown_in_full(source):
    text = WIDE.replace("other/third", "other/first")
    scores = scores_of(source(text, labels=None, tasks=["STS12"]))
    assert list(scores["design"]) == ["org/first", "second", "other/first"]


def test_without_pools_all_models_are_compared(source):
    scores = scores_of(source())
    assert scores["base"].unique().tolist() == ["all"]
    assert scores["design"].unique().tolist() == ["First", "second", "Third"]
    assert scores.drop_duplicates("task").set_index("task")["category"].to_dict() == {
        "NFCorpus": "Retrieval", "STS12": "STS", "STS13": "STS",
    }  # fmt: skip


def test_a_missing_cell_stays_missing_for_the_comparison_to_name(source):
    scores = scores_of(source(pools={"all-three": {"models": ["First", "second", "Third"]}}))
    assert scores["score"].isna().sum() == 1
    with pytest.raises(
        BadInput, match="1 score missing: base all-three, design Third, seed 0, task NFCorpus"
    ):
        complete(scores, {})
    assert complete(scores, {"statistics": {"missing": "drop_tasks"}})[1] == {"all-three": ["NFCorpus"]}


def test_a_users_table_keeps_its_seeds_categories_and_bases(source):
    table = {"from": "table", "labels": None}
    scores = scores_of(source(TIDY, **table))
    assert scores[["base", "design", "seed", "category", "score"]].values.tolist() == [
        ["all", "a", 1, "Mine", 0.1], ["all", "a", 2, "Mine", 0.2],
        ["all", "b", 1, "Mine", 0.3], ["all", "b", 2, "Mine", 0.4],
    ]  # fmt: skip
    with_bases = (
        TIDY.replace("design,", "base,design,").replace("\na,", "\nmini,a,").replace("\nb,", "\nmini,b,")
    )
    assert scores_of(source(with_bases, **table))["base"].unique().tolist() == ["mini"]
    own_labels = TIDY.replace("\n", ",\n").replace("score,", "score,pooling").replace("0.1,", "0.1,eos")
    assert scores_of(source(own_labels, **table))["pooling"].tolist() == ["eos", "eos", "unknown", "unknown"]


def test_an_mteb_task_in_a_table_needs_no_category(source):
    scores = scores_of(
        source("model,task,score\na,STS12,0.5\nb,STS12,0.6\n", labels=None, **{"from": "table"})
    )
    assert scores["category"].unique().tolist() == ["STS"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"tasks": ["STS14"]}, "scores.csv: no scores on STS14; did you mean STS"),
        ({"tasks": ["A", "B"]}, "scores.csv: no scores on A, B; choose others in scores.tasks"),
        ({"benchmark": "MTEB(eng, v2)"}, "scores.csv: no scores on "),
        ({"benchmark": "MTEB(eng, v2)", "tasks": ["NFCorpus"]}, "NFCorpus is not a task of MTEB(eng, v2)"),
        ({"benchmark": "MTEB(eng, v3)"}, 'benchmark "MTEB(eng, v3)" is not an MTEB benchmark; did you mea'),
        ({"pools": {"p": {"models": ["Frist", "Third"]}}}, 'models "Frist" is not a model of the source; d'),
        ({"pools": {"p": {"where": {"backbon": "A"}}}}, "where.backbon is not a column of scores.labels; d"),
        ({"pools": {"p": {"where": {"backbone": "C"}}}}, 'backbone "C" is not a label of a model; choose'),
        ({"pools": {"p": {"where": {"backbone": "B"}}}}, "pools.p has 1 model; a comparison needs two"),
        ({"pools": {"p": {"complete": True, "where": {"backbone": "B"}}}}, "0 models complete on 3 tasks"),
    ],
)  # fmt: skip
def test_unknown_names_are_refused_with_the_nearest_names(source, keys, message):
    with pytest.raises(BadInput) as error:
        scores_of(source(**keys))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (",0.7,", ",70.1,"),
            'scores.csv:2: model org/first, seed 0, task STS12: score "70.1" is not a number from -1 to 1',
        ),
        ((",0.7,", ",-1.1,"), 'score "-1.1" is not a number from -1 to 1'),
        ((",0.7,", ",good,"), 'score "good" is not a number'),
        ((",0.7,", ",inf,"), 'score "inf" is not a number'),
        ((",0.7,", ",1e999,"), 'score "1e999" is not a number'),
        ((",0.7,", ",0_7,"), 'score "0_7" is not a number'),
        (("STS13", "STS12"), ':1: column "STS12" appears twice'),
        (("org/second", "org/first"), "scores.csv:3: model org/first has more than one row"),
        (("model_name", "names"), "no column names the models; expected one of model, model_name, design"),
        (
            ("org/first,0.7,0.8,0.3", "org/first,0.7,0.8,0.3,0.4"),
            "scores.csv:2: 5 fields, but the header has 4",
        ),
        (("NFCorpus", "NFCorpse"), ":2: NFCorpse is not an MTEB task (mteb "),
    ],
)
def test_a_bad_table_is_refused_in_one_line(source, change, message):
    with pytest.raises(BadInput) as error:
        scores_of(source(WIDE.replace(*change)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task,score\nSTS12,0.5\n", "no column names the models"),
        ("model,score\na,0.5\n", "column task is missing; required: model or design, task, score"),
        ("model,task,score\n", "no scores"),
        ("", "empty; expected a CSV file"),
        (TIDY + "a,1,own task,Mine,0.1\n", "a second score for model a, seed 1, task own task"),
        (TIDY.replace("a,1", "a,x"), ':2: seed "x" is not an integer from 0 to 4294967295'),
        (TIDY.replace("Mine", ""), 'like it); add a column "category"'),
    ],
)
def test_a_bad_tidy_table_is_refused_in_one_line(source, text, message):
    with pytest.raises(BadInput) as error:
        scores_of(source(text, labels=None, **{"from": "table"}))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_task_without_any_score_is_refused_and_not_left_out(source):
    with pytest.raises(BadInput, match="none of the compared models has a score on NFCorpus"):
        scores_of(source(re.sub(r",0\.\d\n", ",\n", WIDE), pools={"p": {"models": ["First", "Third"]}}))


def test_unusable_labels_are_refused(source, tmp_path):
    with pytest.raises(BadInput, match=r"labels\.csv:3: a second model org/first"):
        scores_of(source(labels=LABELS.replace("org/second", "org/first")))
    with pytest.raises(BadInput, match=r"labels\.csv: column model is missing"):
        scores_of(source(labels="name\nx\n"))
    with pytest.raises(BadInput, match=r"absent\.csv: no such file"):
        scores_of(source(labels=None) | {"labels": str(tmp_path / "absent.csv")})


def test_a_labeled_model_that_the_source_lacks_is_named(source):
    labels = LABELS + "org/fourth,Fourth,A,eos,causal\n"
    with pytest.raises(BadInput, match=r"pools\.p: the source has no scores for org/fourth; set complete"):
        scores_of(source(labels=labels, pools={"p": {"where": {"backbone": "A"}}}))


def test_models_without_a_score_on_the_selected_tasks_are_reported(source):
    text = "model,task,category,score\na,own,Mine,0.1\nb,own,Mine,0.2\nc,other,Mine,0.3\n"
    found = published_scores(source(text, None, **{"from": "table", "tasks": ["own"]}))
    assert set(found.rows["design"]) == {"a", "b"}
    reasons = {name: entry.reason for entry in found.not_used for name in entry.names}
    assert reasons["c"] == "no score on the selected tasks"
    assert "not among the selected tasks" in reasons["other"]
