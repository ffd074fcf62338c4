"""MTEB's own task classes, reading the tables of a docstring task instead of a hub."""

from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict
from mteb.abstasks.abstask import AbsTask
from mteb.abstasks.classification import AbsTaskClassification
from mteb.abstasks.clustering import AbsTaskClustering
from mteb.abstasks.pair_classification import AbsTaskPairClassification
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.sts import AbsTaskSTS
from mteb.abstasks.task_metadata import TaskMetadata


class _Tables:
    """Loads the Parquet files of the task's folder as the splits of its data set."""

    metadata: Any  # of the task, set by mteb
    data_loaded = False

    def load_data(self, **_: Any) -> None:
        """Fill `dataset` from the folder that the metadata names."""
        if not self.data_loaded:
            self.dataset = self.read(Path(self.metadata.dataset["path"]))
            self.data_loaded = True

    def read(self, folder: Path) -> Any:
        """Return the data set as mteb's class wants it."""
        return DatasetDict({path.stem: _table(path) for path in sorted(folder.glob("*.parquet"))})


def _table(path: Path) -> Dataset:
    # from_parquet would write a cache keyed by the file's name, not by its content
    import pyarrow.parquet

    return Dataset(pyarrow.parquet.read_table(path))


class DocstringRetrieval(_Tables, AbsTaskRetrieval):
    """Find the description of a summary."""

    k_values: tuple[int, ...] = (
        1,
        3,
        5,
        10,
    )  # the score is nDCG@10; ranking every document to 1000 takes a second

    def read(self, folder: Path) -> Any:
        """Return documents, queries, relevant documents and, for reranking, candidates."""
        queries = _table(folder / "queries.parquet")
        candidates = "candidates" in queries.column_names
        return {
            "default": {
                "test": {
                    "corpus": _table(folder / "documents.parquet"),
                    "queries": queries.select_columns(["id", "text"]),
                    "relevant_docs": {row["id"]: {row["document"]: 1} for row in queries},
                    "top_ranked": {row["id"]: row["candidates"] for row in queries} if candidates else None,
                }
            }
        }


class DocstringReranking(DocstringRetrieval):
    """Rank a summary's description before its siblings'."""

    k_values = (1, 10, 1000)  # the score is the MAP of all candidates, as in mteb's own reranking tasks


class DocstringClassification(_Tables, AbsTaskClassification):
    """Tell the submodule of a text."""

    samples_per_label = 1000  # one experiment on all of the train table: no draw, no noise from it
    n_experiments = 1


class DocstringClustering(_Tables, AbsTaskClustering):
    """Group summaries by submodule."""

    max_fraction_of_documents_to_embed = None
    max_document_to_embed = None
    n_clusters = 10  # k-means runs


class DocstringPairClassification(_Tables, AbsTaskPairClassification):
    """Tell texts of one class or module from texts of two submodules."""


class DocstringSTS(_Tables, AbsTaskSTS):
    """Grade two texts by their nearness in the package."""

    min_score = 0
    max_score = 4


CLASSES: dict[str, tuple[type[AbsTask], str, str]] = {  # class, main score, mteb's kind of task
    "STS": (DocstringSTS, "cosine_spearman", "t2t"),
    "PairClassification": (DocstringPairClassification, "max_ap", "t2t"),
    "Clustering": (DocstringClustering, "v_measure", "t2c"),
    "Reranking": (DocstringReranking, "map_at_1000", "t2t"),
    "Classification": (DocstringClassification, "accuracy", "t2c"),
    "Retrieval": (DocstringRetrieval, "ndcg_at_10", "t2t"),
}


def make_task(folder: Path, name: str, about: dict[str, Any]) -> AbsTask:
    """Return a new task object for the tables in `folder`; `about` is its entry in tasks.json."""
    base, main_score, kind = CLASSES[about["category"]]
    metadata = TaskMetadata(
        name=name,
        description=f"{base.__doc__} The texts are docstrings of the Python package {about['package']}.",
        type=about["category"],
        category=kind,
        dataset={"path": str(folder), "revision": about["sha256"][:40]},
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score=main_score,
        domains=["Programming", "Written"],
        task_subtypes=[],
        license="not specified",
        annotations_creators="derived",
        sample_creation="found",
        dialect=[],
        bibtex_citation="",
    )
    attributes = {"metadata": metadata, "__doc__": base.__doc__}
    if about["category"] == "Clustering":
        attributes["max_documents_per_cluster"] = about["rows"]["test"]
    return type(name, (base,), attributes)()
