"""Compares the time of one evaluation of the quickstart with MTEB and a plain Sentence Transformers model.

python benchmarks/encoding.py [--repeats 5] [--design multi-layer-bidirectional]

Needs the results of the quickstart: run `make study` first.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import mteb
import torch
from measure import COMPARED, compared, hardware, print_table
from plain import made_plain

from embedding_designs.common.json_files import read_json
from embedding_designs.data.docstrings.task_folder import load_task
from embedding_designs.evaluation.encoder import Encoder
from embedding_designs.evaluation.tasks import evaluate
from embedding_designs.training.model import load_model

STUDY = Path("results/quickstart")
TASKS = STUDY / "tasks/docstrings"


def plain_evaluation(design: str) -> None:
    """Evaluate a run with the plain formulas and MTEB's own wrapper of Sentence Transformers."""
    config, model = read_json(STUDY / "configs/tasks/all.json"), loaded(design)
    made_plain(model)
    for names in config["tasks"].values():
        for name in names:
            mteb.evaluate(
                model, load_task(TASKS, name), cache=None, co2_tracker=False, show_progress_bar=False
            )


def our_evaluation(design: str) -> None:
    """Evaluate a run as the workflow does."""
    config, model = read_json(STUDY / "configs/tasks/all.json"), loaded(design)
    with tempfile.TemporaryDirectory() as partial_results:
        encoder = Encoder(model, config["prompts"], config["batch_size"])
        evaluate(encoder, config, TASKS, Path(partial_results), design)


def loaded(design: str):
    """Return the first run of a design, which truncates texts as in its evaluation."""
    model = load_model(STUDY / "trained/mini" / design / "seed1")
    model.max_seq_length = read_json(STUDY / "configs/tasks/all.json")["max_seq_length"]
    return model


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--design", nargs="+", default=["eos-causal", "multi-layer-bidirectional"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        [
            design,
            *compared(partial(plain_evaluation, design), partial(our_evaluation, design), arguments.repeats),
        ]
        for design in arguments.design
    ]
    print(f"\nOne evaluation of the quickstart, 48 tasks. {hardware()}\n")
    print_table(["design", *COMPARED], rows)


if __name__ == "__main__":
    main()
