import hashlib
import json
import os
import subprocess
import sys

import numpy
import pytest
from threadpoolctl import threadpool_limits

from embedding_designs.common.errors import BadInput
from embedding_designs.data.docstring_table import COLUMNS
from embedding_designs.data.docstrings.sample import submodules
from embedding_designs.data.docstrings.task_data import BUILDERS
from embedding_designs.data.docstrings.task_folder import load_task
from embedding_designs.data.parquet_tables import write_table
from embedding_designs.study.docstring_task_names import task_name
from embedding_designs.study.parts import read_docstring_tasks_config
from embedding_designs.study.schema import defaults

MODULES, CLASSES, METHODS = 6, 3, 8
WORDS = [
    f"{first}{last}" for first in ("ba", "ce", "di", "fo", "gu") for last in ("lan", "mer", "nit", "pos")
]


def row(module, owner, method):
    chance = numpy.random.RandomState(1000 * module + 100 * owner + method)
    description = " ".join(chance.choice(WORDS, 12))
    return {
        "package": "toy", "module": f"toy.part{module}.file{owner % 2}", "qualname": f"C{owner}.m{method}",
        "kind": "method", "split": "eval", "summary": f"Do {module} {owner} {method}.",
        "description": description, "text": description,
    }  # fmt: skip


ROWS = [row(m, c, f) for m in range(MODULES) for c in range(CLASSES) for f in range(METHODS)]
CONFIG = {"packages": ["toy"], "documents": 96, "queries": 48, "classes": MODULES}


def build(folder, **environment):
    write_table(folder / "docstrings.parquet", {key: [one[key] for one in ROWS] for key in COLUMNS})
    (folder / "config.json").write_text(json.dumps(CONFIG))
    command = ["-m", "embedding_designs.data.build_docstring_tasks", folder / "config.json"]
    command += ["--docstrings", folder / "docstrings.parquet", "--output", f"{folder / 'tasks'}/"]
    environment = os.environ | {"PYTHONPATH": "workflow"} | environment
    subprocess.run([sys.executable, *command], env=environment, check=True)
    return folder / "tasks"


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    return build(tmp_path_factory.mktemp("tasks"))


class Encoder:
    """An encoder of mteb's protocol that looks each text up in a function."""

    def __init__(self, embed):
        from mteb.models.model_meta import ModelMeta

        self.embed = embed
        self.mteb_model_meta = ModelMeta.create_empty({"name": "test/encoder", "revision": "1"})

    def encode(self, inputs, **_):
        return numpy.stack([self.embed(text) for batch in inputs for text in batch["text"]])

    def similarity(self, first, second):
        import torch

        return torch.as_tensor(first) @ torch.as_tensor(second).T

    def similarity_pairwise(self, first, second):
        import torch

        return (torch.as_tensor(first) * torch.as_tensor(second)).sum(-1)


def random_vector(text):
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return numpy.random.RandomState(seed).standard_normal(256).astype("float32")


def part_vector(text):
    """The submodule of a text: the same for its summary and its description, and no more than that."""
    one = next(r for r in ROWS if text.startswith(r["summary"]) or text == r["description"])
    return random_vector(one["module"].rpartition(".")[0]) + 0.1 * random_vector(text)


def object_vector(text):
    """The object that a text documents."""
    one = next(r for r in ROWS if text.startswith(r["summary"]) or text == r["description"])
    return random_vector(one["summary"])


def score(folder, category, embed):
    import mteb

    task = load_task(folder, task_name(category, "toy"))
    with threadpool_limits(1):  # k-means on a few rows: threads only wait for each other
        result = mteb.evaluate(Encoder(embed), task, cache=None, show_progress_bar=False)
    return result.task_results[0].get_score()


@pytest.mark.parametrize(
    ("category", "embed", "least"),
    [
        ("Retrieval", object_vector, 0.999),
        ("Reranking", object_vector, 0.999),
        ("Classification", part_vector, 0.99),
        ("Clustering", part_vector, 0.9),
        ("PairClassification", part_vector, 0.99),
        ("STS", part_vector, 0.5),
    ],
)
def test_an_encoder_that_knows_the_answer_gets_it_and_a_random_one_does_not(tasks, category, embed, least):
    chance = {
        "Retrieval": 0.12, "Reranking": 0.35, "Classification": 0.4, "Clustering": 0.35,
        "PairClassification": 0.7, "STS": 0.3,
    }  # fmt: skip
    assert score(tasks, category, embed) >= least
    assert abs(score(tasks, category, random_vector)) <= chance[category]


def test_a_loaded_task_is_fresh_and_scores_the_same(tasks):
    name = task_name("Clustering", "toy")
    assert load_task(tasks, name) is not load_task(tasks, name)
    assert score(tasks, "Clustering", random_vector) == score(tasks, "Clustering", random_vector)


def test_tasks_have_mtebs_types_and_main_scores(tasks):
    main_scores = {}
    for category in BUILDERS:
        metadata = load_task(tasks, task_name(category, "toy")).metadata
        assert metadata.type == category
        assert metadata.is_filled() or metadata.reference is None
        main_scores[category] = metadata.main_score
    assert main_scores == {
        "STS": "cosine_spearman", "PairClassification": "max_ap", "Clustering": "v_measure",
        "Reranking": "map_at_1000", "Classification": "accuracy", "Retrieval": "ndcg_at_10",
    }  # fmt: skip


def test_the_tables_are_balanced_and_no_text_is_learned_and_asked(tasks):
    index = json.loads((tasks / "tasks.json").read_text())
    assert {name: entry["rows"] for name, entry in index.items()}["ToyDocsRetrieval"] == {
        "documents": 96, "queries": 48,
    }  # fmt: skip
    task = load_task(tasks, "ToyDocsClassification")
    task.load_data()
    train, test = task.dataset["train"], task.dataset["test"]
    assert not set(train["text"]) & set(test["text"])
    assert {sum(label == one for one in train["label"]) for label in set(train["label"])} == {16 // 3}
    task = load_task(tasks, "ToyDocsPairClassification")
    task.load_data()
    assert sum(task.dataset["test"]["labels"]) * 2 == len(task.dataset["test"]) == 96
    task = load_task(tasks, "ToyDocsSTS")
    task.load_data()
    pairs = task.dataset["test"]
    assert all(row["sentence1"] != row["sentence2"] for row in pairs)
    assert set(pairs["score"]) == {0.0, 2.0, 3.0, 4.0}


def test_reranking_candidates_hold_the_answer_and_its_siblings(tasks):
    task = load_task(tasks, "ToyDocsReranking")
    task.load_data()
    data = task.dataset["default"]["test"]
    for query, candidates in data["top_ranked"].items():
        assert set(data["relevant_docs"][query]) <= set(candidates)
        assert len(candidates) == len(set(candidates)) == 16


def test_the_tasks_are_the_same_bytes_in_every_process(tasks, tmp_path):
    again = build(tmp_path, PYTHONHASHSEED="1")
    files = sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert len(files) == 10
    assert all((tasks / path).read_bytes() == (again / path).read_bytes() for path in files)


def test_the_largest_part_is_split_until_there_are_enough():
    modules = ["a.core.x"] * 5 + ["a.core.y.p"] * 4 + ["a.core.y.q"] * 3 + ["a.io"] * 4 + ["a"]
    rows = [{"module": module} for module in modules]
    assert list(submodules(rows, wanted=2, enough=3)) == ["a.core", "a.io"]
    assert list(submodules(rows, wanted=3, enough=3)) == ["a.core.x", "a.core.y", "a.io"]
    assert list(submodules(rows, wanted=9, enough=3)) == ["a.core.x", "a.core.y.p", "a.core.y.q", "a.io"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (
            {"packages": ["toy"], "category": []},
            "tasks.category is not known; did you mean categories",
        ),
        (
            {"packages": ["toy"], "categories": ["Summaries"]},
            'docstring_tasks.categories.0 "Summaries" is not known; choose from STS',
        ),
        ({"packages": []}, r"packages \[\] must not be empty"),
        ({"packages": ["toy"], "documents": "many"}, 'documents "many" must be an integer'),
    ],
)
def test_a_wrong_key_is_named(tmp_path, config, named):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInput, match=named):
        read_docstring_tasks_config(tmp_path / "config.json")


def test_every_category_of_the_schema_has_a_builder():
    assert defaults("docstring_tasks")["categories"] == list(BUILDERS)


def test_an_unknown_task_is_named(tasks):
    with pytest.raises(BadInput, match='no task "ToyDocsSummaries"; there are ToyDocsClassification'):
        load_task(tasks, "ToyDocsSummaries")


def test_names_are_light_to_import():
    code = "import sys, embedding_designs.study.docstring_task_names; sys.exit('pyarrow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": "workflow"}, check=True)
    assert task_name("Retrieval", "huggingface_hub") == "HuggingfaceHubDocsRetrieval"
