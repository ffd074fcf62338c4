"""Runs that collapsed in training: which ones they are, and the scores that are compared without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.collapse import collapse_in_words
from ..common.errors import BadInput
from ..common.training_logs import log_entries
from ..common.wording import few
from .not_used import NotUsed, not_used


@dataclass(frozen=True)
class CollapsedRun:
    """A run whose embeddings are all nearly equal; documents: the number that a query was compared with."""

    base: str
    design: str
    seed: int
    documents: int


def collapsed_runs(runs: Path, study: Mapping[str, Any]) -> list[CollapsedRun]:
    """Return the runs of a study whose training logs, in the folder `runs`, say that they collapsed."""
    found = []
    for base, design, seed in product(study["bases"], study["designs"], study["seeds"]):
        log = runs / base / design / f"seed{seed}" / "training.jsonl"
        last = [entry for _, entry in log_entries(log)][-1:] if log.exists() else []
        if last and last[0].get("collapsed") is True:
            found.append(CollapsedRun(base, design, seed, last[0]["heldout_documents"]))
    return found


def left_out(collapsed: Sequence[CollapsedRun], base: str) -> list[str]:
    """Return the designs that are not compared on a base, because a run of theirs collapsed."""
    return list(dict.fromkeys(run.design for run in collapsed if run.base == base))


def design_label(design: str, collapsed: bool) -> str:
    """Return what readers see of a design where those with a collapsed run are shown beside the others."""
    return f"{design} (collapsed)" if collapsed else design


def run_name(base: str, design: str, seed: int) -> str:
    """Return what messages call a run."""
    return f"{design} seed{seed} on {base}"


def without_collapsed(
    scores: pd.DataFrame, collapsed: Sequence[CollapsedRun], source: str = "scores"
) -> tuple[pd.DataFrame, list[NotUsed]]:
    """Return the scores that can be compared, and the report on the others.

    A design with a collapsed run leaves the comparison on that base, with all of its runs: the collapsed one
    says that its settings do not suit the design, and the others alone would be selected by their outcome. A
    base with fewer than two designs left is not compared. Raises BadInput if no base is.
    """
    out = {(run.base, run.design) for run in collapsed}
    kept = scores[[pair not in out for pair in zip(scores["base"], scores["design"], strict=True)]]
    compared = kept[kept.groupby("base")["design"].transform("nunique") > 1]
    if collapsed and compared.empty:
        raise BadInput(
            f"{source}: nothing can be compared, because fewer than two designs have no collapsed run "
            f"({few(_names(collapsed))}: {collapse_in_words(collapsed[0].documents)}); change "
            "training.learning_rate, or tune it (key tuning)"
        )
    return (compared, _report(scores, compared, collapsed)) if collapsed else (scores, [])


def _names(collapsed: Sequence[CollapsedRun]) -> list[str]:
    return [run_name(run.base, run.design, run.seed) for run in collapsed]


def _report(scores: pd.DataFrame, compared: pd.DataFrame, collapsed: Sequence[CollapsedRun]) -> list[NotUsed]:
    """Return one entry each on collapsed runs, on the other runs of their designs, and on bases."""
    out = {(run.base, run.design) for run in collapsed}
    runs = scores[["base", "design", "seed"]].drop_duplicates().itertuples(index=False, name=None)
    names = _names(collapsed)
    others = [run_name(*run) for run in runs if run[:2] in out and run_name(*run) not in names]
    bases = [base for base in scores["base"].unique() if base not in set(compared["base"])]
    return [
        *not_used("collapsed run", names, collapse_in_words(collapsed[0].documents)),
        *not_used("other run", others, "a run of the same design collapsed"),
        *not_used("base", bases, "fewer than two designs without a collapsed run"),
    ]
