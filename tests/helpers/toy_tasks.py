"""Toy retrieval tasks."""

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
