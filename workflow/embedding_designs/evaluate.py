"""Evaluates one trained model on one batch of MTEB tasks; a killed evaluation goes on at its next task.

python -m embedding_designs.evaluate CARD.json --model DIR --partial DIR --output SCORES.csv
"""

import argparse
from pathlib import Path

from .command import command, content_hash, read_json, resumable
from .encoder import Encoder
from .model import load_model
from .scores import write_scores
from .tasks import evaluate


@command
def main() -> None:
    """Evaluate one run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("card", type=Path, help="the task card")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--docstring-tasks", type=Path, nargs="?")
    parser.add_argument("--partial", type=Path, required=True, help="folder of finished tasks")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    card = read_json(arguments.card)
    model = load_model(arguments.model)
    model.max_seq_length = card["max_tokens"]
    encoder = Encoder(model, card["prompts"], card["batch_size"])
    inputs = [arguments.card, *sorted(arguments.model.rglob("*.safetensors"))]
    if arguments.docstring_tasks:
        inputs.append(arguments.docstring_tasks / "tasks.json")  # holds the hash of each task's data
    with resumable(arguments.partial, content_hash(*inputs)) as partial:
        name = " ".join(arguments.model.parts[-2:])
        scores = evaluate(encoder, card, arguments.docstring_tasks, partial, name)
        write_scores(scores, arguments.output)


if __name__ == "__main__":
    main()
