"""The figures of the findings page: each is embedded, with a caption and an alternative text."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...common.errors import BadInput
from ...common.names import on_base
from ...common.wording import counted, few, listing
from ...comparison.results import Comparison

Figure = dict[str, str]
WORDS = {  # figures of all tasks, drawn only if they make sense: file name, alternative text, caption
    "cd-wilcoxon-{base}-All": (
        "Critical-difference diagram; bars join {unit}s that Wilcoxon's test does not separate.",
        "All tasks: average ranks, with bars from Wilcoxon's test with Holm's correction{of}.",
    ),
    "significance-{base}-All": (
        "Table of all pairs: which one is better, by which tests; the folded table has the numbers.",
        "All tasks: every pair at a glance, ordered by rank{of}.",
    ),
    "differences-{base}": (
        "Differences in mean score from the control, with intervals, by category.",
        "Differences from the control by category{of}.",
    ),
    "interaction-{base}": (
        "Mean score of each pooling under each attention, by category.",
        "Pooling and attention, for the {unit}s that cross them{of}.",
    ),
    "scores-{base}": (
        "Scores by category{of}; the table of scores has the numbers.",
        "Scores by category{of}.",
    ),
    "layers-scores-{base}": (
        "Score of each layer by category, before and after training; the folded table has the best layers.",
        "The score of each layer's embedding, before and after training{of}.",
    ),
    "layers-cka-{base}": (
        "Heat maps of the similarity of each two layers (linear CKA), one for each model.",
        "Similarity of layers: linear CKA, which compares how two layers arrange the texts{of}.",
    ),
    "layers-pearson-{base}": (
        "Heat maps of the similarity of each two layers (Pearson's correlation), one for each model.",
        "Similarity of layers: Pearson's correlation of their embeddings, as in the paper{of}.",
    ),
    "layers-reads-{base}": (
        "Weight of each layer in the trained poolings, and norms of the layer vectors.",
        "What the trained poolings over layers read{of}.",
    ),
    "score-against-cost-{base}": (
        "Mean score of each design on {base} against its cost; a sentence names the efficient ones.",
        "Mean score against cost ({base}).",
    ),
    "training-{base}": (
        "Training loss and held-out loss on {base} by training step.",
        "Loss by training step{of}.",
    ),
    "tuning-{base}": (
        "Held-out loss of each design on {base} by learning rate; the table has the chosen settings.",
        "Held-out loss at the end of each tuning run{of}. Rings: chosen. Dashed: all embeddings equal.",
    ),
}
SECTIONS = {
    "ranks": ["cd-wilcoxon-{base}-All", "significance-{base}-All"],
    "effects": ["differences-{base}", "interaction-{base}"],
    "scores": ["scores-{base}"],
    "layers": [f"layers-{what}-{{base}}" for what in ("scores", "cka", "pearson", "reads")],
    "training": ["training-{base}"],
    "tuning": ["tuning-{base}"],
    "cost": ["score-against-cost-{base}"],
}

COMPOSITION = (
    "Share of each source in the rows and words of the training data, and lengths of its texts; the tables "
    "of the training data have the numbers.",
    "What the models were trained on, by source.",
)


READ, GROUPS = 40, 12  # names, and groups of names, in the text of a diagram for readers who do not see it


def figures(folder: Path, base: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return the figures of a base by section: one diagram per comparison, and the others if they exist.

    comparisons: All first. "first": the diagram over all tasks, as narrow as a phone.
    """
    overall = comparisons[0]
    found = {
        section: [_known(folder, name, overall) for name in names if (folder / _file(name, base)).exists()]
        for section, names in SECTIONS.items()
    }
    diagrams = [
        figure(folder / f"cd-{base}-{c.category}.svg", describe_ranks(c), caption(c))
        for c in comparisons
        if c.has_diagram
    ]
    first = folder / f"cd-column-{base}-All.svg"
    opening = figure(first, describe_ranks(overall), caption(overall))
    return found | {"first": opening, "ranks": [*diagrams, *found["ranks"]]}


def composition(folder: Path) -> list[Figure]:
    """Return the figure of the training data's composition, in a list that is empty if there is none."""
    path = folder / "data-composition.svg"
    return [figure(path, *COMPOSITION)] if path.exists() else []


def _file(name: str, base: str) -> str:
    return f"{name.format(base=base)}.svg"


def _known(folder: Path, name: str, overall: Comparison) -> Figure:
    words = {"base": overall.base, "of": _of(overall), "unit": overall.unit}
    alt, caption = (text.format(**words) for text in WORDS[name])
    return figure(folder / _file(name, overall.base), alt, caption)


def _of(comparison: Comparison) -> str:
    named = on_base(comparison.base, "")
    return f" ({named})" if named else ""


def figure(path: Path, alt: str, caption: str) -> Figure:
    """Return an SVG file as a data URI, so that its ids and styles cannot clash with another figure's."""
    if not path.exists():
        raise BadInput(
            f"{path}: no such figure; create it with python -m embedding_designs.reporting.draw_figures"
        )
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"source": f"data:image/svg+xml;base64,{content}", "alt": alt, "caption": caption}


def caption(comparison: Comparison) -> str:
    """Return the caption of a critical-difference diagram."""
    tasks = counted(comparison.n_tasks, "task")
    where = f"All {tasks}" if comparison.category == "All" else f"{comparison.category}, {tasks}"
    return f"{where}: average ranks of these checkpoints{_of(comparison)}."


def describe_ranks(comparison: Comparison) -> str:
    """Return a text alternative for a critical-difference diagram."""
    ranks = sorted(comparison.average_ranks.items(), key=lambda item: item[1])
    placed = few([f"{name} {rank:.2f}" for name, rank in ranks], READ)
    opening = f"Critical-difference diagram, {comparison.category}. Average ranks, best first: {placed}."
    over_tasks = comparison.these_checkpoints
    difference = over_tasks.nemenyi.critical_difference
    if difference is None:
        return f"{opening} {comparison.undecidable.untestable}"
    cliques = [listing(clique, READ) for clique in over_tasks.cliques]
    groups = few(cliques, GROUPS, separator="; ", noun="groups") or "none"
    return (
        f"{opening} Critical difference {difference:.2f}. Groups without a significant difference: {groups}."
    )
