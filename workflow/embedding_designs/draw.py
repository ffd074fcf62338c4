"""Draws the figures of a study: critical-difference diagrams, scores, and training curves.

python -m embedding_designs.draw --statistics statistics.json --scores scores.csv --runs runs --output figures
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .command import BadInput, command, progress, read_json, whole
from .compare import read_scores
from .critical_difference import diagram_height, draw_critical_difference
from .figures import STYLE, Look, design_handles, draw_losses, draw_scores, looks

LOSSES = {"training loss": ("train", "loss"), "held-out loss": ("heldout", "heldout_loss")}
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same input gives the same bytes


def critical_difference_figure(
    comparison: Mapping[str, Any], look: Mapping[str, Look], alpha: float, width: float
) -> Figure:
    """Return the critical-difference diagram of one comparison, `width` inches wide."""
    figure = Figure(figsize=(width, diagram_height(comparison, look, alpha, width)))
    draw_critical_difference(comparison, look, alpha, figure.add_axes((0, 0, 1, 1)))
    return figure


def scores_figure(scores: pd.DataFrame, look: Mapping[str, Look], width: float) -> Figure:
    """Return one panel for each category and one for all tasks. scores: the rows of one base."""
    categories = list(scores["category"].unique())
    parts = {category: scores[scores["category"] == category] for category in categories}
    if len(categories) > 1:
        parts["All"] = scores
    columns = min(len(parts), max(1, int((width - 1.5) / 1.6)))
    figure, axes = _panels(len(parts), columns, width, 0.5 + 0.18 * len(look))
    for index, (category, part) in enumerate(parts.items()):
        runs = part.groupby(["design", "seed"], as_index=False)["score"].mean()
        ax = draw_scores(runs, look, axes[index])
        ax.set_title(f"{category} ({part['task'].nunique()})", loc="left")
        ax.tick_params(axis="y", labelleft=index % columns == 0)
    figure.supxlabel(
        "main score: large = mean over seeds, small = one seed; in brackets: tasks", size=7, x=0.01, ha="left"
    )
    return figure


def training_figure(losses: Mapping[str, pd.DataFrame], look: Mapping[str, Look], width: float) -> Figure:
    """Return one panel for each kind of loss. losses: title -> columns design, seed, step, loss."""
    columns, ncols = 2 if width >= 5 else 1, max(1, int(width / 2))
    legend = 0.14 * -(-len(look) // ncols)  # inches
    figure, axes = _panels(len(losses), columns, width, 1.8 + legend)
    for ax, (title, part) in zip(axes, losses.items(), strict=True):
        draw_losses(part, look, ax).set_title(title, loc="left")
    figure.legend(handles=design_handles(look), loc="outside lower center", ncols=ncols, handlelength=3.5)
    return figure


def _panels(count: int, columns: int, width: float, height: float) -> tuple[Figure, Sequence[Axes]]:
    rows = -(-count // columns)
    figure = Figure(figsize=(width, height * rows + 0.3), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.remove()
    return figure, axes[:count]


def read_losses(runs: Path, base: str, designs: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the losses in the training logs of one base: title -> columns design, seed, step, loss.

    A title without any loss is left out. A step that was trained again after a resume counts once.
    """
    rows: dict[str, list[dict[str, Any]]] = {title: [] for title in LOSSES}
    for design in designs:
        for path in sorted((runs / base / design).glob("seed*/training.jsonl")):
            run = {"design": design, "seed": int(path.parent.name.removeprefix("seed"))}
            for title, step, loss in _read_log(path):
                rows[title].append({**run, "step": step, "loss": loss})
    tables = {title: pd.DataFrame(found) for title, found in rows.items() if found}
    return {
        title: table.drop_duplicates(["design", "seed", "step"], keep="last")
        for title, table in tables.items()
    }


def _read_log(path: Path) -> list[tuple[str, int, float]]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            for title, (event, key) in LOSSES.items():
                if entry["event"] == event:
                    found.append((title, int(entry["step"]), float(entry[key])))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path}, line {number}: no line of a training log: {error!r}") from None
    return found


def _save(make: Callable[..., Figure], path: Path, *arguments: Any) -> None:
    with matplotlib.rc_context(STYLE):
        figure = make(*arguments)
        for kind, metadata in UNDATED.items():
            figure.savefig(path.with_name(f"{path.name}.{kind}"), metadata=metadata)


def draw_study(
    statistics: Mapping[str, Any], scores: pd.DataFrame, runs: Path | None, folder: Path, width: float
) -> None:
    """Write all figures of a study to `folder`, as SVG and as PDF; training curves where there are logs."""
    look = looks(statistics["designs"])
    for comparison in progress(statistics["comparisons"], description="critical-difference diagrams"):
        path = folder / f"cd-{comparison['base']}-{comparison['category']}"
        _save(critical_difference_figure, path, comparison, look, statistics["alpha"], width)
    for base, part in scores.groupby("base", sort=False):
        _save(scores_figure, folder / f"scores-{base}", part, look, width)
        losses = read_losses(runs, base, list(look)) if runs else {}
        if losses:
            _save(training_figure, folder / f"training-{base}", losses, look, width)
        else:
            print(f"{base}: no training logs, so no training curves")


@command
def main() -> None:
    """Draw the figures of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--statistics", type=Path, required=True, help="statistics.json")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv")
    parser.add_argument("--runs", type=Path, help="folder of the training logs, {base}/{design}/seed{seed}/")
    parser.add_argument("--output", type=Path, required=True, help="folder of figures to write")
    parser.add_argument(
        "--width", type=float, default=7.0, help="inches; 3.3 fits one column of a paper, 7 two"
    )
    arguments = parser.parse_args()
    if arguments.width < 3:
        raise BadInput(f"--width {arguments.width:g} is too narrow; choose 3 inches or more")
    statistics, scores = read_json(arguments.statistics), read_scores(arguments.scores)
    with whole(arguments.output) as folder:
        folder.mkdir()
        draw_study(statistics, scores, arguments.runs, folder, arguments.width)


if __name__ == "__main__":
    main()
