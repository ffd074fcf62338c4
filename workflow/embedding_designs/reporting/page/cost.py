"""The cost of each design, from the training logs and Snakemake's benchmark files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import pandas as pd

from ...common.errors import BadInput
from ...common.json_files import is_number
from ...common.training_logs import log_entries
from ...common.wording import counted, listing
from ...comparison.results import Comparison
from ...scores.collapsed_runs import design_label
from ...study.compute import flops_unit
from .table import DASH, Row, Table

COSTS = {  # key in a training log's summary -> column name
    "step": "Steps",
    "parameters": "Parameters",
    "trainable_parameters": "Trained parameters",
    "pooling_parameters": "Pooling parameters",
    "seconds": "Training,\u00a0s",
    "tokens_per_second": "Tokens per second",
    "peak_memory_mb": "Peak memory,\u00a0MB",
}

ADAPTATIONS = "Adaptation of the base, once for the designs and seeds that share it"


def cost(
    folder: Path,
    comparison: Comparison,
    batches: Collection[str],
    adaptations: Mapping[str, Sequence[str]] = MappingProxyType({}),
    compute: Mapping[str, float] = MappingProxyType({}),
    not_compared: Collection[str] = (),
) -> Table | None:
    """Return the cost of each design, as medians over the seeds of a base, or None if nothing is known.

    batches: the names of the study's batches of tasks; a results folder can contain others, left from before;
    adaptations: the designs that share each adaptation of the base, by its name; compute: the computed FLOPs
    of a run of each design, with its adaptation, if they are known; not_compared: the designs
    that a collapsed run excludes from the comparison.
    """
    rows, known, precisions = [], False, set()
    size, unit = flops_unit(min(compute.values(), default=1))
    for design in [*comparison.designs, *not_compared]:
        runs = [f"{comparison.base}/{design}/seed{seed}" for seed in comparison.seeds]
        summaries = [read_summary(folder / "runs" / run / "training.jsonl") for run in runs]
        values = [[summary[key] for summary in summaries if key in summary] for key in COSTS]
        values.append(
            [took for run in runs if (took := evaluation_seconds(folder, run, batches)) is not None]
        )
        cells = [_rounded(median(found)) if found else DASH for found in values]
        computed = [f"{compute[design] / size:,.1f}"] if compute else []
        rows.append(Row(design_label(design, design in not_compared), [*cells, *computed]))
        known |= any(values)
        precisions |= {summary["precision"] for summary in summaries if "precision" in summary}
    caption = f"Cost of each design, median over {counted(len(comparison.seeds), 'seed')}"
    if precisions:
        caption += f"; trained in {' and '.join(sorted(precisions))}"
    header = ["Design", *COSTS.values(), "Evaluation,\u00a0s"]
    adapted = adaptation_rows(folder / "adapted" / comparison.base, adaptations)
    if compute:
        header.append(unit)
        adapted = [replace(row, cells=[*row.cells, DASH]) for row in adapted]
    return Table(caption, header, rows, adapted, ADAPTATIONS if adapted else "") if known else None


def adaptation_rows(folder: Path, adaptations: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return the cost of each adaptation of a base in `folder`, and its held-out losses."""
    rows = []
    for name, designs in adaptations.items():
        log = folder / name / "training.jsonl"
        if summary := read_summary(log):
            losses = [entry["heldout_loss"] for _, entry in log_entries(log) if entry["event"] == "heldout"]
            loss = f"; held-out loss {losses[0]:.2f}, at the end {losses[-1]:.2f}" if losses else ""
            label = f"{name} ({listing(designs)}){loss}"
            cells = [_rounded(summary[key]) if key in summary else DASH for key in COSTS]
            rows.append(Row(label, [*cells, DASH]))
    return rows


def _rounded(value: float) -> str:
    return f"{value:,.1f}" if value < 10 and value % 1 else f"{value:,.0f}"


def read_summary(log: Path) -> dict[str, Any]:
    """Return the summary of a training log; empty if there is no log or no summary yet."""
    entries = log_entries(log) if log.exists() else ()
    summary = {}
    for number, entry in entries:
        if entry["event"] == "summary":
            summary = entry
            if broken := [key for key in COSTS if key in entry and not is_number(entry[key])]:
                raise BadInput(f"{log}:{number}: {broken[0]} {entry[broken[0]]!r} is not a number")
    return summary


def evaluation_seconds(folder: Path, run: str, batches: Collection[str]) -> float | None:
    """Return the seconds that all batches of a run's evaluation took, or None if one is unknown."""
    tables = [folder / "benchmarks" / "evaluate_run" / run / f"{batch}.tsv" for batch in batches]
    if not all(table.exists() for table in tables):
        return None
    return float(sum(pd.read_csv(table, sep="\t")["s"].iloc[-1] for table in tables))
