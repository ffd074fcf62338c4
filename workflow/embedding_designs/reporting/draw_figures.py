"""Draws the figures of a study: critical differences, pairs, effects, scores, training curves, layers.

python -m embedding_designs.reporting.draw_figures --statistics statistics.json --scores scores.csv …
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, product
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from ..common.atomic_writes import atomic
from ..common.command import command, note, progress
from ..common.errors import BadInput
from ..common.json_files import is_number
from ..comparison.layer_results import LayerSummary, read_layer_summary
from ..comparison.results import Comparison, Statistics
from ..comparison.statistics_file import read_statistics
from ..scores.not_used import check_unchanged
from ..scores.score_table import read_scores
from .figures import layer_figures
from .figures import study_figures as make
from .figures.fonts import drawn_names, style_for
from .figures.looks import Look, looks, same_lines, same_looks
from .training_logs import log_entries

FEWEST_FOR_TABLE = 12  # designs; with fewer, a critical-difference diagram shows every pair
MOST_IN_ROWS = 40  # designs that the other figures can distinguish
LOSSES = {"training loss": ("train", "loss"), "held-out loss": ("heldout", "heldout_loss")}
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same input gives identical files


def read_losses(
    runs: Path, base: str, designs: Sequence[str], seeds: Sequence[int]
) -> dict[str, pd.DataFrame]:
    """Return the losses in the training logs of one base: title -> columns design, seed, step, loss.

    Titles without any loss are left out. A step that was repeated after a resume counts once.
    """
    rows: dict[str, list[dict[str, Any]]] = {title: [] for title in LOSSES}
    for design, seed in product(designs, seeds):
        path = runs / base / design / f"seed{seed}" / "training.jsonl"
        for title, step, loss in _losses(path) if path.exists() else ():
            rows[title].append({"design": design, "seed": seed, "step": step, "loss": loss})
    tables = {title: pd.DataFrame(found) for title, found in rows.items() if found}
    return {
        title: table.drop_duplicates(["design", "seed", "step"], keep="last")
        for title, table in tables.items()
    }


def _losses(path: Path) -> Iterator[tuple[str, int, float]]:
    for line, entry in log_entries(path):
        for title, (event, key) in LOSSES.items():
            if entry["event"] == event:
                step, loss = entry.get("step"), entry.get(key)
                if not is_number(step) or not is_number(loss):
                    raise BadInput(f"{path}:{line}: step {step!r} and {key} {loss!r} must be finite numbers")
                yield title, int(step), float(loss)


def study_figures(
    statistics: Statistics,
    scores: pd.DataFrame,
    runs: Path | None,
    width: float,
    layers: LayerSummary | None = None,
) -> Iterator[tuple[str, Figure]]:
    """Yield all figures of a study by name; training curves if there are logs, layers if analyzed."""
    look = looks(statistics.designs)
    for line in same_looks(look):
        note(line)
    for base, group in groupby(statistics.comparisons, key=lambda comparison: comparison.base):
        comparisons = list(group)
        own = {name: look[name] for name in look if name in comparisons[-1].designs}
        yield from _figures_of_tests(base, comparisons, own, statistics.alpha, width)
        compared = scores["task"].isin(comparisons[-1].tasks)  # without dropped tasks
        of_base = scores[(scores["base"] == base) & compared]
        yield f"scores-{base}", make.scores_figure(of_base, own, width)
        if any(comparison.factors.crossed for comparison in comparisons):
            yield f"interaction-{base}", make.interaction_figure(comparisons, of_base, own, width)
        losses = read_losses(runs, base, list(own), comparisons[-1].seeds) if runs else {}
        if losses:
            for line in same_lines(own):
                note(line)
            yield f"training-{base}", make.training_figure(losses, own, width)
        else:
            print(f"{base}: no training logs, so no training curves")
        if layers:
            yield from _figures_of_layers(base, layers, own, width)


def _figures_of_layers(
    base: str, layers: LayerSummary, look: Mapping[str, Look], width: float
) -> Iterator[tuple[str, Figure]]:
    models = [model for model in layers.models if model.base == base]
    for measure in layer_figures.MEASURES:
        yield f"layers-{measure}-{base}", layer_figures.similarity_figure(models, measure, width)
    yield f"layers-scores-{base}", layer_figures.layer_scores_figure(models, look, width)
    if any(model.reads for model in models):
        yield f"layers-reads-{base}", layer_figures.reads_figure(models, look, width)


def _figures_of_tests(
    base: str, comparisons: Sequence[Comparison], look: Mapping[str, Look], alpha: float, width: float
) -> Iterator[tuple[str, Figure]]:
    for comparison in comparisons:
        figure = make.critical_difference_figure(comparison, look, alpha, width)
        yield f"cd-{base}-{comparison.category}", figure
    overall = comparisons[-1]
    if len(look) <= MOST_IN_ROWS:
        figure = make.critical_difference_figure(overall, look, alpha, width, "wilcoxon")
        yield f"cd-wilcoxon-{base}-All", figure
        yield f"differences-{base}", make.differences_figure(comparisons, look, alpha, width)
    else:
        note(
            f"{base}: {len(look)} {overall.unit}s are too many for figures of differences, Wilcoxon's "
            f"test, and scores by category (at most {MOST_IN_ROWS}); see the tables"
        )
    if len(look) >= FEWEST_FOR_TABLE:
        yield f"significance-{base}-All", make.significance_figure(overall, alpha, width)


def draw_study(
    statistics: Statistics,
    scores: pd.DataFrame,
    runs: Path | None,
    folder: Path,
    width: float,
    layers: LayerSummary | None = None,
) -> None:
    """Write all figures of a study to `folder`, as SVG and PDF."""
    drawn: set[str] = set()
    with style_for(drawn_names(statistics)):
        made = study_figures(statistics, scores, runs, width, layers)
        for name, figure in progress(made, description="figures"):
            if name.casefold() in drawn:
                raise BadInput(f"two figures would have the name {name}; rename a base or a category")
            drawn.add(name.casefold())
            for kind, metadata in UNDATED.items():
                figure.savefig(folder / f"{name}.{kind}", metadata=metadata)


@command
def main() -> None:
    """Draw the figures of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--statistics", type=Path, required=True, help="statistics.json")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv")
    parser.add_argument("--runs", type=Path, help="folder of the training logs, {base}/{design}/seed{seed}/")
    parser.add_argument("--layers", type=Path, nargs="?", help="layers.json, if the layers were analyzed")
    parser.add_argument("--output", type=Path, required=True, help="folder of figures to write")
    parser.add_argument(
        "--width", type=float, default=7.0, help="inches; 3.3 fits one column of a paper, 7 two"
    )
    arguments = parser.parse_args()
    if arguments.width < 3:
        raise BadInput(f"--width {arguments.width:g} is too narrow; choose 3 inches or more")
    statistics, scores = read_statistics(arguments.statistics), read_scores(arguments.scores)
    check_unchanged(arguments.scores, statistics.sha256, "run the comparison again")
    layers = read_layer_summary(arguments.layers) if arguments.layers else None
    with atomic(arguments.output) as folder:
        folder.mkdir()
        draw_study(statistics, scores, arguments.runs, folder, arguments.width, layers)


if __name__ == "__main__":
    main()
