"""Trains configs in one of several processes: accelerate launch … several_processes.py CASES.json

CASES.json has base, train, heldout and output, four paths; configs, {name: config}; and stop, {name: call}.
The main process writes each one's weights and log to the output folder, and how a batch of 7 is refused.
A training named in "stop" is stopped: its last process, no other, gets SIGTERM in that call of the loss; then
it is run again.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch

from embedding_designs.common.errors import BadInput, Stopped
from embedding_designs.training import contrastive_loss, processes
from embedding_designs.training import train_design as train


class SignalsItself(contrastive_loss.InBatchContrastiveLoss):
    """Sends its own process SIGTERM in its n-th call, counted over training and held-out batches."""

    def __init__(self, model, recipe, call):
        super().__init__(model, recipe["scale"])
        self.calls, self.call = 0, call

    def forward(self, *arguments):
        self.calls += 1
        if self.calls == self.call:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().forward(*arguments)


def train_and_stop(*arguments, call):
    """Train, be stopped, and return the model that training again gives."""
    if processes.rank() == processes.count() - 1:
        train.contrastive_loss = lambda *given: SignalsItself(*given, call)
    try:
        train.train_run(*arguments)
        raise AssertionError("the training was not stopped")
    except Stopped:
        train.contrastive_loss = contrastive_loss.contrastive_loss
    return train.train_run(*arguments)


def refusal(batch_size: int) -> str:
    """Return what is said about a batch, or nothing."""
    try:
        train.check_launch({"training": {"batch_size": batch_size}})
    except BadInput as error:
        return str(error)
    return ""


def main() -> None:
    torch.set_num_threads(1)
    processes.join()
    cases = json.loads(Path(sys.argv[1]).read_text())
    if processes.is_main():
        (Path(cases["output"]) / "refused.txt").write_text(refusal(batch_size=7))
    for name, config in cases["configs"].items():
        folder = Path(cases["output"]) / name
        folder.mkdir(parents=True, exist_ok=True)
        data = Path(cases["train"]), Path(cases["heldout"])
        arguments = config, cases["base"], *data, folder / "work", folder / "log.jsonl"
        call = cases["stop"].get(name)
        model = train_and_stop(*arguments, call=call) if call else train.train_run(*arguments)
        if processes.is_main():
            torch.save(model.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    main()
