"""The figures of the findings page: each a picture inside it, with a caption and its meaning in words."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .command import BadInput


def figures(
    folder: Path, base: str, comparisons: Sequence[Mapping[str, Any]]
) -> dict[str, list[dict[str, str]]]:
    """Return the figures of a base by section: ranks (one for each comparison), scores, training if drawn."""
    ranks = [
        figure(
            folder / f"cd-{base}-{comparison['category']}.svg",
            describe_ranks(comparison),
            caption(comparison),
        )
        for comparison in comparisons
    ]
    scores = figure(
        folder / f"scores-{base}.svg",
        f"Scores of each design on base {base} by category; the table of scores has the numbers.",
        f"Scores by category (base {base}).",
    )
    curves = folder / f"training-{base}.svg"
    if not curves.exists():  # the study began at its scores
        return {"ranks": ranks, "scores": [scores], "training": []}
    training = figure(
        curves,
        f"Training loss and held-out loss of each design on base {base} over the training steps.",
        f"Loss over the training steps (base {base}).",
    )
    return {"ranks": ranks, "scores": [scores], "training": [training]}


def figure(path: Path, alt: str, caption: str) -> dict[str, str]:
    """Return an SVG file as a data URI: an image of its own, whose ids and styles meet no other figure's."""
    if not path.exists():
        raise BadInput(f"{path}: no such figure; python -m embedding_designs.draw makes it")
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"source": f"data:image/svg+xml;base64,{content}", "alt": alt, "caption": caption}


def caption(comparison: Mapping[str, Any]) -> str:
    """Return the caption of a critical-difference diagram."""
    tasks = "1 task" if comparison["n_tasks"] == 1 else f"{comparison['n_tasks']} tasks"
    where = f"All {tasks}" if comparison["category"] == "All" else f"{comparison['category']}, {tasks}"
    return f"{where}: average ranks of the designs (base {comparison['base']})."


def describe_ranks(comparison: Mapping[str, Any]) -> str:
    """Return what a critical-difference diagram shows, in words."""
    ranks = sorted(comparison["average_ranks"].items(), key=lambda item: item[1])
    placed = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks)
    opening = f"Critical-difference diagram, {comparison['category']}. Average ranks, best first: {placed}."
    difference = comparison["nemenyi"]["critical_difference"]
    if difference is None:
        return f"{opening} {comparison['undecidable_reason']}"
    groups = "; ".join(listed(clique) for clique in comparison["cliques"]) or "none"
    return (
        f"{opening} Critical difference {difference:.2f}. Groups without a significant difference: {groups}."
    )


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
