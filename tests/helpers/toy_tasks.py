"""Toy retrieval and STS tasks."""

from pathlib import Path

import pandas as pd

from embedding_designs.common.json_files import write_json

from .toy import sentence


def write_tasks(folder: Path, sizes: dict[str, int], queries: int) -> Path:
    """Write retrieval tasks whose queries are documents, so that the correct score is 1."""
    index = {}
    for task, (name, documents) in enumerate(sizes.items()):
        texts = pd.DataFrame({"id": [f"d{n}" for n in range(documents)]})
        texts["text"] = [f"document {n} {sentence(task)}" for n in range(documents)]
        asked = texts.iloc[:: documents // queries].copy()
        asked["document"] = asked["id"]
        asked["id"] = "q" + asked["id"]
        (folder / name).mkdir(parents=True)
        texts.to_parquet(folder / name / "documents.parquet", index=False)
        asked.to_parquet(folder / name / "queries.parquet", index=False)
        index[name] = {"category": "Retrieval", "package": "toy", "rows": {}, "sha256": "0" * 64}
    write_json(folder / "tasks.json", index)
    return folder


def write_sts_tasks(folder: Path, *names: str, pairs: int = 24) -> Path:
    """Write STS tasks with the same pairs of texts, of different lengths, and made-up grades."""
    rows = [
        {"sentence1": sentence(n, 3 + n % 7), "sentence2": sentence(n + 100, 4 + n % 5), "score": n * 7 % 5}
        for n in range(pairs)
    ]
    for name in names:
        (folder / name).mkdir(parents=True)
        pd.DataFrame(rows).to_parquet(folder / name / "test.parquet", index=False)
    entry = {"category": "STS", "package": "toy", "rows": {"test": pairs}, "sha256": "1" * 64}
    write_json(folder / "tasks.json", dict.fromkeys(names, entry))
    return folder
