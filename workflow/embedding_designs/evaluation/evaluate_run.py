"""Evaluates one trained model on one batch of MTEB tasks, resuming an interrupted evaluation.

python -m embedding_designs.evaluation.evaluate_run CONFIG.json --model DIR --output SCORES.csv …
"""

import argparse
import logging
import shutil
from functools import partial
from pathlib import Path

from ..common import gpus
from ..common.atomic_writes import resumable
from ..common.command import command
from ..common.hashes import files_hash
from ..common.score_files import write_scores
from ..study.config_files import read_study, read_task_config
from ..study.run_configs import task_batches
from .devices import count_devices, on_devices
from .encoder import Encoder
from .models import load_for_evaluation
from .run_store import forget_what_is_done, model_files, open_store
from .tasks import evaluate


@command
def main() -> None:
    """Evaluate one run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path, help="the task config")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--docstring-tasks", type=Path, nargs="?")
    parser.add_argument("--partial", type=Path, required=True, help="folder for finished tasks")
    parser.add_argument("--embeddings", type=Path, required=True, help="folder for the run's embeddings")
    parser.add_argument("--study", type=Path, help="the study config, with the run's other tasks")
    parser.add_argument("--devices", type=int, help="processes; default: one per GPU, or one without a GPU")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    if arguments.devices:
        gpus.choose(arguments.devices)
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("mteb").setLevel(logging.INFO)  # reports the progress of searches in large corpora
    config = read_task_config(arguments.config)
    batches = (
        task_batches(read_study(arguments.study, "evaluation")) if arguments.study else {"": config["tasks"]}
    )
    tasks = {name for categories in batches.values() for names in categories.values() for name in names}
    inputs = [arguments.config]
    if arguments.docstring_tasks:
        inputs.append(arguments.docstring_tasks / "tasks.json")  # contains the hash of each task's data
    model_key = files_hash(*model_files(arguments.model))
    store = open_store(arguments.embeddings, f"{model_key[:16]}-{config['max_seq_length']}")
    load = partial(load_for_evaluation, arguments.model, config["max_seq_length"])
    with (
        resumable(arguments.partial, f"{model_key} {files_hash(*inputs)}") as finished,
        on_devices(load, count_devices(arguments.devices)) as model,
    ):
        encoder = Encoder(model, config["prompts"], config["batch_size"], store)
        name = " ".join(arguments.model.parts[-2:])
        forget = partial(forget_what_is_done, store, tasks)
        write_scores(
            evaluate(encoder, config, arguments.docstring_tasks, finished, name, forget), arguments.output
        )
    if arguments.study and all((arguments.output.parent / f"{batch}.csv").exists() for batch in batches):
        shutil.rmtree(arguments.embeddings, ignore_errors=True)


if __name__ == "__main__":
    main()
