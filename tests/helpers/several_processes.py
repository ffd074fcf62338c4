"""Trains configs in one of several processes: accelerate launch … several_processes.py CASES.json

CASES.json has four paths, base, train, heldout, and output; configs, {name: config}; and stop, {name: call}.
The main process writes the weights and the log of each training, and the error for a batch size of 7, to the
output folder. A training named in "stop" is stopped and run again: only its last process gets SIGTERM, in
that call of the loss.
"""

import contextlib
import json
import sys
from pathlib import Path

import pytest
import torch

from embedding_designs.common.errors import BadInput, Stopped
from embedding_designs.study.run_config import RunConfig
from embedding_designs.training import processes
from embedding_designs.training.arguments import check_launch

from .training import stopped_in, train


def train_and_stop(*arguments, call):
    """Train until stopped, train again, and return the model."""
    last = processes.rank() == processes.count() - 1
    stops = stopped_in(call) if last else contextlib.nullcontext()
    with stops, pytest.raises(Stopped):
        train(*arguments)
    return train(*arguments)


def refusal(batch_size: int) -> str:
    """Return the error for a batch size, or an empty string."""
    try:
        check_launch({"batch_size": batch_size})
    except BadInput as error:
        return str(error)
    return ""


def main() -> None:
    torch.set_num_threads(1)
    processes.join()
    cases = json.loads(Path(sys.argv[1]).read_text())
    if processes.is_main():
        (Path(cases["output"]) / "refused.txt").write_text(refusal(batch_size=7))
    triplets = Path(cases["train"]), Path(cases["heldout"])
    for name, content in cases["configs"].items():
        folder = Path(cases["output"]) / name
        arguments = RunConfig.from_json(content), cases["base"], triplets, folder
        call = cases["stop"].get(name)
        model = train_and_stop(*arguments, call=call) if call else train(*arguments)
        if processes.is_main():
            torch.save(model.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    main()
