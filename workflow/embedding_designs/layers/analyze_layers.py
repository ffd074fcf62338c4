"""Analyzes the layers of one model: an untrained base, causal or bidirectional, or a trained run.

It scores the embedding of each layer, compares the layers with each other, and measures which layers a
trained pooling reads. Each text runs through the model once for all layers. An interrupted analysis resumes
at its first unfinished task.

python -m embedding_designs.layers.analyze_layers untrained-causal CONFIG.json --base-config BASE.json …
python -m embedding_designs.layers.analyze_layers eos-causal/seed1 CONFIG.json --model DIR …
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from ..common import gpus
from ..common.atomic_writes import resumable
from ..common.command import command
from ..common.errors import BadInput
from ..common.hashes import files_hash
from ..common.json_files import read_json
from ..common.layer_files import ModelLayers, write_layers
from ..common.wording import listing
from ..evaluation.models import load_for_evaluation
from ..evaluation.run_store import model_files
from ..fetching.fetched import fetched_base
from ..study.config_files import read_layers_config
from ..study.designs import attention_name
from ..study.layers import UNTRAINED
from ..study.run_config import RunConfig
from .layer_models import untrained_base, with_all_layers
from .layer_scores import embeddings_of, score_layers
from .layer_stores import layer_stores
from .pooling_reads import pooling_reads
from .similarity import linear_cka, pearson

DIGITS = 6


@dataclass(frozen=True)
class Subject:
    """A model to analyze; names: its base, name, attention, and seed; inputs: the files it comes from."""

    model: SentenceTransformer
    names: dict[str, Any]
    inputs: list[Path]


def run_subject(folder: Path, max_seq_length: int) -> Subject:
    """Return the trained model of a run."""
    config = RunConfig.read(folder / "run_config.json")
    names = {"base": config.base["name"], "model": config.design["name"], "seed": config.seed,
             "attention": attention_name(config.design["attention"])}  # fmt: skip
    return Subject(load_for_evaluation(folder, max_seq_length), names, model_files(folder))


def base_subject(arguments: argparse.Namespace, max_seq_length: int) -> Subject:
    """Return an untrained base, from the command's arguments."""
    if not arguments.base_config:
        raise BadInput(f"{arguments.name}: an untrained base needs --base-config")
    base_config = read_json(arguments.base_config, ["name", "precision"])
    base_config, base = fetched_base(base_config, arguments.fetched)
    base = arguments.base or base
    attention = UNTRAINED[arguments.name]
    names = {"base": base_config["name"], "model": arguments.name, "attention": attention}
    inputs = [arguments.base_config, *filter(None, [arguments.fetched]), *model_files(Path(base))]
    return Subject(untrained_base(base, base_config, attention, max_seq_length), names, inputs)


def analyze(
    subject: Subject, config: Mapping[str, Any], docstring_tasks: Path | None, partial: Path
) -> ModelLayers:
    """Return the analysis of a model's layers.

    config: of the analysis; partial: folder for finished tasks and embeddings.
    """
    model = subject.model
    layered = with_all_layers(model, config, subject.names["base"])
    numbers = layered[0].layers
    stores = layer_stores(partial / "embeddings", numbers)
    scored = score_layers(layered, config, stores, docstring_tasks, partial, subject.names["model"])
    finished = list(scored)
    texts = sorted({text for task in finished for text in task.sample})
    states = embeddings_of(layered, config, stores, texts).astype(np.float64)
    return ModelLayers(
        **subject.names,
        layers=numbers,
        tokens=config["tokens"],
        texts=len(texts),
        pearson=rounded(pearson(states)),
        cka=rounded(linear_cka(states)),
        tasks=[task.scores for task in finished],
        reads=pooling_reads(model, texts, config["batch_size"]),
    )


def rounded(matrix: np.ndarray) -> list[list[float]]:
    """Return the rows of a matrix, rounded."""
    return np.round(matrix, DIGITS).tolist()


@command
def main() -> None:
    """Analyze the layers of one model."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", help="untrained-causal, untrained-bidirectional, or the run: design/seed1")
    parser.add_argument("config", type=Path, help="the config of the analysis")
    parser.add_argument("--model", type=Path, nargs="?", help="folder of the trained model of a run")
    parser.add_argument("--base-config", type=Path, nargs="?", help="config of an untrained base")
    parser.add_argument("--base", nargs="?", help="folder of the base model; default: the config's model")
    parser.add_argument("--fetched", type=Path, nargs="?", help="what was fetched from the hub for a base")
    parser.add_argument("--docstring-tasks", type=Path, nargs="?")
    parser.add_argument("--partial", type=Path, required=True, help="folder for work in progress")
    parser.add_argument("--devices", type=int, help="GPUs to reserve; only the first one is used")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()

    if arguments.devices:
        gpus.choose(arguments.devices)
    config = read_layers_config(arguments.config)
    if arguments.name in UNTRAINED:
        subject = base_subject(arguments, config["max_seq_length"])
    elif arguments.model:
        subject = run_subject(arguments.model, config["max_seq_length"])
    else:
        raise BadInput(
            f"{arguments.name}: the analysis of a run needs --model; or choose {listing([*UNTRAINED])}"
        )
    inputs = [arguments.config, *subject.inputs]
    if arguments.docstring_tasks:
        inputs.append(arguments.docstring_tasks / "tasks.json")  # contains the hash of each task's data
    with resumable(arguments.partial, files_hash(*inputs)) as partial:
        write_layers(arguments.output, analyze(subject, config, arguments.docstring_tasks, partial))


if __name__ == "__main__":
    main()
