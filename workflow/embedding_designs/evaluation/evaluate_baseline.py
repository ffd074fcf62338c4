"""Evaluates a baseline on all tasks: the untrained base, LSA, or BM25 (only on searches).

An interrupted evaluation resumes at its first unfinished task.

python -m embedding_designs.evaluation.evaluate_baseline bm25 CONFIG.json --base-config BASE.json …
"""

import argparse
import contextlib
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from ..common import gpus
from ..common.atomic_writes import resumable
from ..common.command import command
from ..common.errors import BadInput
from ..common.hashes import files_hash
from ..common.json_files import read_json
from ..common.score_files import write_scores
from ..fetching.fetched import fetched_base
from ..study.categories import SEARCHES
from ..study.config_files import read_task_config
from ..study.run_configs import names_of
from ..training.base_checks import base_arguments
from ..training.model import build_model
from .devices import count_devices, on_devices
from .encoder import Encoder
from .run_store import forget_what_is_done, model_files, open_store
from .tasks import evaluate

UNTRAINED = {"attention": "causal", "pooling": {"kind": "mean", "tokens": "mean"}}
LSA_DIMENSIONS = 128


class LSA:
    """Latent semantic analysis: TF-IDF reduced by a truncated SVD (Deerwester et al., 1990)."""

    def __init__(self, texts: Sequence[str]):
        words, counts = _count_words(texts)
        svd = TruncatedSVD(min(LSA_DIMENSIONS, *counts.shape), random_state=0).fit(counts)
        self.pipeline = make_pipeline(words, svd, Normalizer(copy=False))

    def encode(self, texts: Sequence[str], **kwargs: Any) -> np.ndarray:
        """Return the embeddings, (texts, dim), float32."""
        return self.pipeline.transform(texts).astype(np.float32)


def _count_words(texts: Sequence[str]) -> tuple[TfidfVectorizer, Any]:
    """Return a fitted TF-IDF, on words in two or more texts if there are enough, and its (texts, words)."""
    for texts_of_a_word in (2, 1):
        words = TfidfVectorizer(sublinear_tf=True, min_df=texts_of_a_word, stop_words="english")
        with contextlib.suppress(ValueError):  # no words are left
            counts = words.fit_transform(texts)
            if counts.shape[1] > 1:
                return words, counts
    raise BadInput("baselines: lsa finds fewer than two words in the training texts; remove lsa")


def load_baseline(
    baseline: str, max_seq_length: int, base_config: dict[str, Any], base: str, train: Path
) -> Any:
    """Return the model of a baseline: "untrained-base", "lsa", or "bm25"."""
    if baseline == "bm25":
        return mteb.get_model("mteb/baseline-bm25s")
    if baseline == "lsa":
        rows = pd.read_parquet(train, columns=["query", "positive"])
        return LSA([*rows["query"], *rows["positive"]])
    return build_model(design=UNTRAINED, max_seq_length=max_seq_length, **base_arguments(base, base_config))


@command
def main() -> None:
    """Evaluate one baseline."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("baseline", choices=["untrained-base", "lsa", "bm25"])
    parser.add_argument("config", type=Path, help="the task config")
    parser.add_argument("--base-config", type=Path, required=True)
    parser.add_argument("--base", nargs="?", help="folder of the base model; default: the config's model")
    parser.add_argument("--fetched", type=Path, nargs="?", help="what was fetched from the hub for a base")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--docstring-tasks", type=Path, nargs="?")
    parser.add_argument("--partial", type=Path, required=True, help="folder for finished tasks")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder for the baseline's embeddings")
    parser.add_argument("--devices", type=int, help="processes for the untrained base; default: one per GPU")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    untrained = arguments.baseline == "untrained-base"
    if untrained and arguments.devices:
        gpus.choose(arguments.devices)
    config = read_task_config(arguments.config)
    base_config = read_json(arguments.base_config, ["name", "precision"])
    base_config, base = fetched_base(base_config, arguments.fetched)
    if arguments.baseline == "bm25":
        config["tasks"] = {name: tasks for name, tasks in config["tasks"].items() if name in SEARCHES}
    base = arguments.base or base
    inputs = [arguments.config, arguments.base_config, arguments.train, *model_files(Path(base))]
    inputs += filter(None, [arguments.fetched])
    if arguments.docstring_tasks:
        inputs.append(arguments.docstring_tasks / "tasks.json")  # contains the hash of each task's data
    key = files_hash(*inputs)
    load = partial(
        load_baseline, arguments.baseline, config["max_seq_length"], base_config, base, arguments.train
    )
    devices = count_devices(arguments.devices) if untrained else 1
    with resumable(arguments.partial, key) as finished, on_devices(load, devices) as model:
        store = open_store(arguments.embeddings, key)
        if arguments.baseline != "bm25":
            model = Encoder(model, config["prompts"] if untrained else {}, config["batch_size"], store)
        forget = partial(forget_what_is_done, store, names_of(config["tasks"]))
        scores = evaluate(model, config, arguments.docstring_tasks, finished, arguments.baseline, forget)
        write_scores(scores, arguments.output)
    shutil.rmtree(arguments.embeddings, ignore_errors=True)


if __name__ == "__main__":
    main()
