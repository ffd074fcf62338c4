"""The training log: JSON lines of loss, learning rate, tokens a second, memory and held-out loss."""

import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .command import progress

WHOLE = "whole"  # an empty file that marks a checkpoint as written to its end


class TrainingLog(TrainerCallback):
    """Writes the log while a Trainer runs, marks its checkpoints as whole, and shows progress.

    A resumed training goes on with the log as it stood at the checkpoint. Seconds are those of training,
    without building and loading, summed over interruptions.
    """

    def __init__(self, path: Path, model: SentenceTransformer, description: str):
        self.path = path
        self.description = description
        self.tokens = torch.zeros((), dtype=torch.long)
        self.sizes = count_parameters(model)
        model[0].register_forward_pre_hook(self._count_tokens)
        path.parent.mkdir(parents=True, exist_ok=True)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep the log up to the checkpoint that training goes on from."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if state.global_step else []
        events = [json.loads(line) for line in lines]
        self.events = [event for event in events if event["step"] <= state.global_step]
        self.resumed_from = state.global_step
        before = self.events[-1] if self.events else {"seconds": 0.0, "tokens": 0}
        self.seconds_before, self.tokens_before = before["seconds"], before["tokens"]
        self.path.write_text("".join(json.dumps(event) + "\n" for event in self.events), encoding="utf-8")
        self.began = self.last = time.perf_counter()
        self.last_tokens = 0
        self.heldout_seconds = 0.0
        self.bar = progress(description=self.description, total=args.max_steps)
        self.bar.update(state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Show progress."""
        self.bar.update(1)
        self.step_ended = time.perf_counter()

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the seconds that logging and the held-out loss took."""
        self.heldout_seconds += time.perf_counter() - self.step_ended

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write what the Trainer logs, training loss or held-out loss."""
        logs = kwargs["logs"]
        if "loss" in logs:
            self._write("train", state, loss=logs["loss"], learning_rate=logs["learning_rate"])
        elif "eval_loss" in logs:
            self._write("heldout", state, heldout_loss=logs["eval_loss"])

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Mark the checkpoint as whole; a kill before this line leaves it without the mark."""
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / WHOLE).touch()

    def summarise(self, state: TrainerState) -> None:
        """Write the last line: what the whole training took."""
        self.bar.close()
        self._write(
            "summary", state, steps=state.global_step, resumed_from_step=self.resumed_from,
            heldout_seconds=round(self.heldout_seconds, 3), **self.sizes,
        )  # fmt: skip

    @staticmethod
    def remove_unless_whole(checkpoint: Path) -> None:
        """Delete a checkpoint that a kill has cut off."""
        if not (checkpoint / WHOLE).exists():
            shutil.rmtree(checkpoint)

    def _count_tokens(self, module: torch.nn.Module, arguments: tuple[dict[str, Any]]) -> None:
        if module.training:
            mask = arguments[0]["attention_mask"]
            self.tokens = self.tokens.to(mask.device) + mask.sum()  # no wait for the GPU here

    def _write(self, event: str, state: TrainerState, **values: Any) -> None:
        now, tokens = time.perf_counter(), int(self.tokens)
        speed = (tokens - self.last_tokens) / max(now - self.last, 1e-9)
        line = {
            "event": event,
            "step": state.global_step,
            **values,
            "seconds": round(self.seconds_before + now - self.began, 3),
            "tokens": self.tokens_before + tokens,
            "peak_memory_mb": peak_memory_mb(),
        }
        if event == "train":
            line["tokens_per_second"] = round(speed)
        if event == "summary":
            line["tokens_per_second"] = round(line["tokens"] / max(line["seconds"], 1e-9))
        self.last, self.last_tokens = now, tokens
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def count_parameters(model: SentenceTransformer) -> dict[str, int]:
    """Return the numbers of all parameters, of those that are trained, and of the pooling's."""
    parameters = list(model.parameters())
    return {
        "parameters": sum(p.numel() for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "pooling_parameters": sum(p.numel() for p in model[1].parameters()),
    }


def peak_memory_mb() -> int:
    """Return the most memory used so far, in MB: the GPU's where there is one, else the process's."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() // 2**20
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 2**20
