"""Each of MTEB's task types for text is evaluated, with the score that mteb gives the same embeddings."""

from pathlib import Path

import mteb
import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from embedding_designs.evaluation.encoder import Encoder
from embedding_designs.evaluation.tasks import score
from embedding_designs.study.categories import CATEGORIES
from helpers.toy import sentence
from helpers.word_bags import WordBags, WordBagsForMteb

ROWS = 40
DOCSTRINGS = {"STS", "PairClassification", "Clustering", "Reranking", "Classification", "Retrieval"}
REAL = {"Summarization"}  # in tests/workflow/test_benchmark_study.py
TASKS = {
    "TbilisiCityHallBitextMining": "BitextMining",
    "IN22GenBitextMining": "BitextMining",
    "EmitClassification": "MultilabelClassification",
    "RuSciBenchYearPublRegression": "Regression",
    "IFIRNFCorpus": "InstructionRetrieval",
    "News21InstructionRetrieval": "InstructionReranking",
}


def texts(first: int, words: int = 7) -> list[str]:
    return [sentence(first + row, words) for row in range(ROWS)]


def growing(first: int) -> list[str]:
    """Return texts of three to nine words, whose number grows with the row modulo 7."""
    return [sentence(first + row, 3 + row % 7) for row in range(ROWS)]


def beginnings(words: int) -> list[str]:
    return [" ".join(text.split()[:words]) for text in texts(0, 9)]


def labelled(label: str, values: list) -> DatasetDict:
    first = {"train": 0, "test": 20}
    return DatasetDict(
        {split: Dataset.from_dict({"text": growing(start), label: values}) for split, start in first.items()}
    )


def searched(queries: dict[str, list[str]], candidates: bool) -> dict:
    """Return a search for the documents d0, d1, …; queries: of each document, by the end of their names."""
    names = [f"d{row}" for row in range(ROWS)]
    ids = [f"{name}{end}" for end in queries for name in names]
    asked = [text for group in queries.values() for text in group]
    return {
        "corpus": Dataset.from_dict({"id": names, "title": [""] * ROWS, "text": texts(0, 9)}),
        "queries": Dataset.from_dict(
            {"id": ids, "text": asked, "instruction": [*texts(500, 3), *texts(900, 5)][: len(ids)]}
        ),
        "relevant_docs": {name: {name.split("-")[0]: 1} for name in ids},
        "top_ranked": dict.fromkeys(ids, names) if candidates else None,
    }


def data(name: str):
    """Return made-up data for a task, as its class has them once they are loaded."""
    match TASKS[name]:
        case "MultilabelClassification":
            return labelled("label", [[row % 3, 3 + row % 2] for row in range(ROWS)])
        case "Regression":
            values = [float(row % 7) for row in range(ROWS)]
            return {f"yearpubl_{language}": labelled("value", values) for language in ("ru", "en")}
        case "InstructionRetrieval":
            return {"default": {"test": searched({"": beginnings(4)}, candidates=False)}}
        case "InstructionReranking":
            queries = {"-og": beginnings(4), "-changed": beginnings(3)}
            return {"default": {"test": searched(queries, candidates=True)}}
    if name == "IN22GenBitextMining":  # one column for each language
        columns = {"asm_Beng": beginnings(2), "eng_Latn": beginnings(5), "hin_Deva": beginnings(9)}
        return {"test": Dataset.from_dict(columns)}
    pairs = Dataset.from_dict({"sentence1": texts(0, 9), "sentence2": beginnings(3)})
    return {subset: {"test": pairs} for subset in ("kat_Geor-eng_Latn", "eng_Latn-kat_Geor")}


def loaded(name: str, folder: Path) -> mteb.AbsTask:
    """Return a task with made-up data; what it reads while it is evaluated is in `folder`."""
    subsets = ["asm_Beng-eng_Latn", "eng_Latn-hin_Deva"] if name == "IN22GenBitextMining" else None
    task = mteb.get_task(name, hf_subsets=subsets)
    task.dataset, task.data_loaded = data(name), True
    if TASKS[name] == "InstructionReranking":
        changed = {"query-id": ["d1", "d2"], "corpus-ids": [["d1"], ["d2"]]}
        pd.DataFrame(changed).to_parquet(folder / "changed.parquet", index=False)
        (folder / "README.md").write_text(
            "---\nconfigs:\n- config_name: qrel_diff\n  data_files:\n"
            "  - split: qrel_diff\n    path: changed.parquet\n---\n"
        )
        where = {"dataset": {"path": str(folder), "revision": "main"}}
        task.metadata = task.metadata.model_copy(update=where)
    return task


def test_no_type_is_left_out():
    assert {*DOCSTRINGS, *REAL, *TASKS.values()} == set(CATEGORIES)


@pytest.mark.parametrize("name", TASKS)
def test_a_type_has_the_score_that_mteb_gives(name, tmp_path):
    assert mteb.get_task(name).metadata.type == TASKS[name]
    ours = score(Encoder(WordBags(), {}, 8), loaded(name, tmp_path))
    result = mteb.evaluate(WordBagsForMteb(), loaded(name, tmp_path), cache=None, co2_tracker=False)
    (split,) = result.task_results[0].scores.values()
    assert ours["metric"] == mteb.get_task(name).metadata.main_score
    assert ours["score"] == pytest.approx(np.mean([subset["main_score"] for subset in split]), abs=1e-6)
    assert 0.02 < abs(ours["score"]) < 1


@pytest.mark.parametrize("name", ["IFIRNFCorpus", "News21InstructionRetrieval"])
def test_bm25_searches_with_instructions_too(name, tmp_path):
    bm25 = score(mteb.get_model("mteb/baseline-bm25s"), loaded(name, tmp_path))
    assert 0.02 < abs(bm25["score"]) <= 1
