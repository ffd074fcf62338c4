"""What the findings page shows of one base, or of one pool of models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...comparison.results import Comparison
from ...comparison.score_against_cost import training_costs
from ...comparison.sentences.categories import by_category
from ...comparison.sentences.cost import cost_sentences
from ...study.adaptation import adaptations
from ...study.run_configs import task_batches
from ..tuning_choices import read_choices
from . import score_tables, tables
from .cost import cost
from .figures import figures
from .table import Table
from .tuning import tuning
from .verdict import answer


def of_base(
    folder: Path,
    study: Mapping[str, Any],
    comparisons: Sequence[Comparison],
    scores: pd.DataFrame,
    baselines: pd.DataFrame,
    alpha: float,
    not_compared: Sequence[str],
) -> dict[str, Any]:
    """Return what the page shows of one base; comparisons, scores, baselines: its own.

    not_compared: its designs with a collapsed run.
    """
    comparisons = sorted(comparisons, key=lambda comparison: comparison.category != "All")
    name, designs = comparisons[0].base, study.get("designs", {})
    return {
        "name": name,
        "comparisons": comparisons,
        "answer": answer(comparisons, alpha),
        "headline": by_category(comparisons),
        "summary": tables.summary(comparisons),
        "scores": score_tables.scores(comparisons, baselines, scores),
        "tasks": score_tables.tasks(comparisons, scores, baselines),
        "elsewhere": tables.elsewhere(comparisons),
        "pairs": tables.shown_pairs(comparisons),
        "cost": _cost(folder, study, comparisons[0], not_compared) if designs else None,
        "cost_sentences": cost_sentences(study, comparisons[0]),
        "tuning": tuning(read_choices(folder / "tuning", name, designs)),
        "figures": figures(folder / "figures", name, comparisons),
        "effects": tables.effects(comparisons),
        "vanished": tables.papers_rule(comparisons),
    }


def _cost(
    folder: Path, study: Mapping[str, Any], overall: Comparison, not_compared: Sequence[str]
) -> Table | None:
    compute = training_costs(study, overall.base, [*overall.designs, *not_compared])
    return cost(folder, overall, task_batches(study), adaptations(study), compute, not_compared)


def shows_effects(base: Mapping[str, Any]) -> bool:
    """Return whether there is anything to say about the effects of pooling and attention."""
    factors = base["comparisons"][0].factors
    return bool(base["figures"]["effects"] or base["effects"] or factors.refused or factors.reason)
