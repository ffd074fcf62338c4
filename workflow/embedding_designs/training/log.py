"""The training log: JSON lines of loss, learning rate, tokens per second, memory and held-out loss."""

import contextlib
import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..common.atomic_writes import atomic
from ..common.collapse import has_collapsed
from ..common.command import progress
from . import processes

STATUS = Path("/proc/self/status")  # on Linux


class TrainingLog(TrainerCallback):
    """Writes the log while a Trainer runs, and shows progress; of several processes, the main one does.

    documents: the number of documents that the held-out loss compares a query with; 0: no held-out loss.
    A resumed training continues the log from its state at the checkpoint. Seconds are those of training,
    without building and loading, summed over interruptions. Tokens are those of all processes, memory is that
    of the main one.
    """

    def __init__(self, path: Path, model: SentenceTransformer, description: str, documents: int = 0):
        self.path = path
        self.documents = documents
        self.description = description
        self.tokens = torch.zeros((), dtype=torch.long)
        self.sizes = count_parameters(model)
        self.before = {"seconds": 0.0, "tokens": 0}
        model[0].register_forward_pre_hook(self._count_tokens)
        path.parent.mkdir(parents=True, exist_ok=True)

    def resume_from(self, counts: dict[str, float]) -> None:
        """Start from the `counts` of a training that was interrupted."""
        self.before = {"seconds": counts["seconds"], "tokens": counts["tokens"]}

    def counts(self) -> dict[str, float]:
        """Return the seconds and tokens up to the end of the last step; all processes call this together."""
        seconds, tokens = self.at_step_end
        return {
            "seconds": round(self.before["seconds"] + seconds - self.began, 3),
            "tokens": self.before["tokens"] + int(processes.total(tokens)),
        }

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep the log up to the checkpoint that training resumes from."""
        events = read_events(self.path, state.global_step)
        args.eval_on_start = _owes_heldout_loss(args, state, events)
        processes.wait()  # until all have read what the main process now writes
        if processes.is_main():
            with atomic(self.path) as part:
                part.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
            self.bar = progress(description=self.description, total=args.max_steps)
            self.bar.update(state.global_step)
        self.resumed_from = state.global_step
        self.precision = "bf16" if args.bf16 else "fp32"
        self.began = self.last = time.perf_counter()
        self.last_tokens = 0
        self.heldout_seconds = 0.0
        self.at_step_end = (self.began, self.tokens)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Show progress."""
        if processes.is_main():
            self.bar.update(1)
        self.at_step_end = (time.perf_counter(), self.tokens)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count the seconds that logging and the held-out loss took."""
        self.heldout_seconds += time.perf_counter() - self.at_step_end[0]

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write what the Trainer logs, training loss or held-out loss."""
        logs = kwargs["logs"]
        if "loss" in logs:
            self._write("train", state, loss=logs["loss"], learning_rate=logs["learning_rate"])
        elif "eval_loss" in logs:
            self._write("heldout", state, heldout_loss=logs["eval_loss"])

    def summarize(self, state: TrainerState) -> bool:
        """Write the last line: what the training took in total, and whether its run has collapsed.

        Returns whether it has; of several processes, only the main one knows.
        """
        if processes.is_main():
            self.bar.close()
        events = read_events(self.path, state.global_step)
        losses = [event["heldout_loss"] for event in events if event["event"] == "heldout"]
        collapsed = processes.is_main() and has_collapsed(losses, self.documents)
        self._write(
            "summary", state, steps=state.global_step, resumed_from_step=self.resumed_from,
            heldout_seconds=round(self.heldout_seconds, 3), heldout_documents=self.documents,
            precision=self.precision, collapsed=collapsed, **self.sizes,
        )  # fmt: skip
        return collapsed

    def _count_tokens(self, module: torch.nn.Module, arguments: tuple[dict[str, Any]]) -> None:
        if module.training and torch.is_grad_enabled():  # not in the first of the two passes of a cached loss
            mask = arguments[0]["attention_mask"]
            self.tokens = self.tokens.to(mask.device) + mask.sum()  # without waiting for the GPU

    def _write(self, event: str, state: TrainerState, **values: Any) -> None:
        now, tokens = time.perf_counter(), int(processes.total(self.tokens))
        if not processes.is_main():
            return
        speed = (tokens - self.last_tokens) / max(now - self.last, 1e-9)
        before = self.before
        seconds = before["seconds"] + now - self.began
        line = log_event(event, state.global_step, seconds, int(before["tokens"]) + tokens, **values)
        if event == "train":
            line["tokens_per_second"] = round(speed)
        if event == "summary":
            line["processes"] = processes.count()
            line["tokens_per_second"] = round(line["tokens"] / max(line["seconds"], 1e-9))
        self.last, self.last_tokens = now, tokens
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def log_event(event: str, step: int, seconds: float, tokens: int, **values: Any) -> dict[str, Any]:
    """Return one line of a training log: "train", "heldout" or "summary", the step, and what was measured."""
    measured = {"seconds": round(seconds, 3), "tokens": tokens, "peak_memory_mb": peak_memory_mb()}
    return {"event": event, "step": step, **values, **measured}


def read_events(path: Path, step: int) -> list[dict[str, Any]]:
    """Return a log's events up to a step, without summaries and damaged lines."""
    events = []
    for line in path.read_bytes().splitlines() if step and path.exists() else ():
        with contextlib.suppress(ValueError, TypeError, KeyError):  # not JSON, or not an event
            event = json.loads(line)
            if event["step"] <= step and event["event"] != "summary":
                events.append(event)
    return events


def _owes_heldout_loss(args: TrainingArguments, state: TrainerState, events: list[dict[str, Any]]) -> bool:
    """Return whether the training was stopped in the middle of computing the step's held-out loss."""
    step = state.global_step
    due = step > 0 and args.do_eval and (step % args.eval_steps == 0 or step >= args.max_steps)
    return due and not any(event["event"] == "heldout" and event["step"] == step for event in events)


def count_parameters(model: SentenceTransformer) -> dict[str, int]:
    """Return the numbers of all parameters, of those that are trained, and of the pooling's."""
    parameters = list(model.parameters())
    return {
        "parameters": sum(p.numel() for p in parameters),
        "trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "pooling_parameters": sum(p.numel() for p in model[1].parameters()),
    }


def peak_memory_mb() -> int:
    """Return the most memory used so far, in MB: the GPU's if there is one, otherwise the process's."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() // 2**20
    # On Linux, ru_maxrss would include what the parent used when it started this process.
    if found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text() if STATUS.exists() else ""):
        return int(found[1]) // 1024
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 2**20
