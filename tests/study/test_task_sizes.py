"""The sizes of tasks are those that mteb records, and tasks are put into batches by them."""

import json

import mteb
import pytest
import yaml

from embedding_designs.fetching.mteb_tasks import mteb_task
from embedding_designs.planning.record_task_sizes import sides_of
from embedding_designs.study.run_configs import names_of, task_batches
from embedding_designs.study.study import load_study
from embedding_designs.study.task_sizes import batches_by_size, others_with_corpus, task_sizes
from helpers.paths import STUDIES

PAPER = yaml.safe_load((STUDIES / "paper-mistral-7b.yaml").read_text())["evaluation"]["tasks"]


def recorded(name: str) -> dict:
    """Return what mteb has recorded of a task's test split."""
    return json.loads(mteb.get_task(name).metadata.descriptive_stat_path.read_text())["test"]


@pytest.mark.parametrize("category", PAPER)
def test_the_table_holds_what_mteb_records(category):
    for name in PAPER[category]:
        sides = list(sides_of(mteb_task(name)))
        assert [(s.side, s.texts, s.unique, s.characters) for s in sides] == [
            (s.side, s.texts, s.unique, s.characters) for s in task_sizes()[name]
        ]


@pytest.mark.parametrize(
    ("name", "benchmark", "subsets"),
    [
        ("RTE3", "MTEB(Multilingual, v2)", ["de", "en", "fr", "it"]),
        ("RTE3", None, ["en"]),
        ("MasakhaNEWSClassification", "MTEB(fra, v1)", ["fra"]),
        ("STS22.v2", "MTEB(eng, v2)", ["en"]),
    ],
)
def test_what_a_benchmark_counts_of_a_task_is_summed_over_its_subsets(name, benchmark, subsets):
    parts = recorded(name)["hf_subset_descriptive_stats"]
    texts = {side.texts for side in task_sizes(benchmark)[name] if side.side != "train"}
    assert texts == {sum(parts[subset]["num_samples"] for subset in subsets)}


def test_texts_that_several_pairs_of_languages_share_are_counted_once():
    """Twenty-two Indic languages and English, each with the same 1,024 texts."""
    sides = task_sizes("MTEB(Multilingual, v2)")["IN22GenBitextMining"]
    assert sum(side.texts for side in sides) == 23 * 1024


def test_documents_and_queries_are_counted_as_recorded():
    sides = {side.side: side for side in task_sizes()["FEVER"]}
    assert sides["documents"].texts == recorded("FEVER")["num_documents"] == 5416568
    assert sides["queries"].texts == recorded("FEVER")["num_queries"] == 6666


def test_of_a_clustering_task_a_sample_is_counted_where_mteb_embeds_one():
    """A twenty-fifth by default; the legacy task embeds all; RedditClustering.v2 was sampled beforehand."""
    texts = {name: task_sizes()[name][0].texts for name in PAPER["Clustering"]}
    biorxiv = recorded("BiorxivClusteringP2P.v2")["num_samples"]
    assert texts["BiorxivClusteringP2P.v2"] == round(0.04 * biorxiv)
    assert texts["ArxivClusteringP2P"] == recorded("ArxivClusteringP2P")["num_samples"]
    assert texts["RedditClustering.v2"] == 2048


def test_tasks_that_search_the_same_documents_are_known():
    assert others_with_corpus("FEVER") == {"ClimateFEVER"}
    for name in ("HotpotQA", "DBPedia", "NQ", "STS12", "no task"):
        assert not others_with_corpus(name)


def test_small_tasks_and_shared_documents_make_batches_and_large_tasks_are_alone():
    batches = batches_by_size(
        {"STS": ["STS12", "BIOSSES"], "Retrieval": ["ClimateFEVER", "SciFact", "MSMARCO", "FEVER", "Unheard"]}
    )
    assert batches == {
        "small": {"STS": ["STS12", "BIOSSES"], "Retrieval": ["SciFact"]},
        "ClimateFEVER+FEVER": {"Retrieval": ["ClimateFEVER", "FEVER"]},
        "MSMARCO": {"Retrieval": ["MSMARCO"]},
        "Unheard": {"Retrieval": ["Unheard"]},
    }


def test_every_task_of_a_study_is_in_one_batch_and_docstring_tasks_are_small():
    study = load_study(
        STUDIES / "smoke.yaml", {"evaluation": {"batch_by": "size", "tasks": {"STS": ["STS12"]}}}
    )
    batches = task_batches(study)
    assert list(batches) == ["small"]
    assert len(names_of(batches["small"])) == 13
    paper = load_study(STUDIES / "paper-mistral-7b.yaml", {"evaluation": {"batch_by": "size"}})
    names = [name for tasks in task_batches(paper).values() for name in names_of(tasks)]
    assert sorted(names) == sorted(names_of(PAPER))
