"""Evaluates a reference on all tasks: the untrained base, LSA, or BM25 where it applies.

python -m embedding_designs.evaluate_reference bm25 CARD.json --base-card BASE.json --train T.parquet …
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from .command import command, read_json
from .evaluation.encoder import Encoder
from .evaluation.tasks import evaluate
from .hub.fetched import fetched_revision
from .model import build_model
from .scores import write_scores

UNTRAINED = {"attention": "causal", "pooling": {"kind": "mean", "tokens": "mean"}}
RANKING = ("Retrieval", "Reranking")  # what BM25, which gives no embeddings, can do
LSA_DIMENSIONS = 128


class LSA:
    """Latent semantic analysis: TF-IDF reduced by a truncated SVD (Deerwester et al., 1990)."""

    def __init__(self, texts: Sequence[str]):
        self.pipeline = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words="english"),
            TruncatedSVD(LSA_DIMENSIONS, random_state=0),
            Normalizer(copy=False),
        ).fit(texts)

    def encode(self, texts: Sequence[str], **kwargs: Any) -> np.ndarray:
        """Return the embeddings, (texts, dim), float32."""
        return self.pipeline.transform(texts).astype(np.float32)


def reference_model(reference: str, card: dict[str, Any], base_card: dict[str, Any], base: str, train: Path):
    """Return what `mteb.evaluate` takes for a reference: "untrained-base", "lsa" or "bm25"."""
    if reference == "bm25":
        return mteb.get_model("mteb/baseline-bm25s")
    if reference == "lsa":
        rows = pd.read_parquet(train, columns=["query", "positive"])
        return Encoder(LSA([*rows["query"], *rows["positive"]]), {}, card["batch_size"])
    hub = {key: base_card[key] for key in ("revision", "trust_remote_code") if base_card.get(key)}
    model = build_model(base, UNTRAINED, card["max_tokens"], base_card["precision"], **hub)
    return Encoder(model, card["prompts"], card["batch_size"])


@command
def main() -> None:
    """Evaluate one reference."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("reference", choices=["untrained-base", "lsa", "bm25"])
    parser.add_argument("card", type=Path, help="the task card")
    parser.add_argument("--base-card", type=Path, required=True)
    parser.add_argument("--base", nargs="?", help="folder of the base; default: the card's model")
    parser.add_argument("--fetched", type=Path, nargs="?", help="what was fetched of a base from the hub")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--docstring-tasks", type=Path, nargs="?")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    card, base_card = read_json(arguments.card), read_json(arguments.base_card)
    if arguments.fetched:
        base_card |= fetched_revision(arguments.fetched)
    if arguments.reference == "bm25":
        card["tasks"] = {name: tasks for name, tasks in card["tasks"].items() if name in RANKING}
    base = arguments.base or base_card.get("model", "")
    model = reference_model(arguments.reference, card, base_card, base, arguments.train)
    with tempfile.TemporaryDirectory() as partial:
        scores = evaluate(model, card, arguments.docstring_tasks, Path(partial), arguments.reference)
    write_scores(scores, arguments.output)


if __name__ == "__main__":
    main()
