"""Draws the figures of a study: verdicts, critical differences, effects, scores, costs, training, data.

python -m embedding_designs.reporting.draw_figures --statistics statistics.json --scores scores.csv …
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ..common.atomic_writes import atomic
from ..common.command import command, note, progress
from ..common.errors import BadInput
from ..common.json_files import read_object
from ..common.names import NO_BASE
from ..comparison.layer_results import read_layer_summary
from ..comparison.results import Comparison, Statistics
from ..comparison.score_against_cost import score_against_cost
from ..comparison.statistics_file import read_statistics
from ..scores.collapsed_runs import left_out
from ..scores.not_used import check_unchanged
from ..scores.score_table import read_scores
from ..study.config_files import read_study
from .figures import study_figures as make
from .figures.composition import composition_figure
from .figures.cost import cost_figure
from .figures.fonts import drawn_names, style_for
from .figures.looks import Look, looks, same_looks
from .trained_figures import NOT_TRAINED, Trained, trained_figures

FEWEST_FOR_TABLE = 12  # designs; with fewer, a critical-difference diagram shows every pair
MOST_IN_ROWS = 40  # designs that the other figures can distinguish
COMPOSITION = "data-composition"  # name of the figure
MATRIX = "verdict-"  # first part of its name
COLUMN = 3.4  # inches: one column of a paper, or a phone
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same input gives identical files
PIXELS = {"png": {"Software": None}}  # of the matrix of verdicts, for slides and chats
DPI = 200


def study_figures(
    statistics: Statistics, scores: pd.DataFrame, width: float, trained: Trained = NOT_TRAINED
) -> Iterator[tuple[str, Figure]]:
    """Yield all figures of a study by name, those of `trained` if there are any."""
    look = looks(statistics.designs)
    for line in same_looks(look):
        note(line)
    for base, group in groupby(statistics.comparisons, key=lambda comparison: comparison.base):
        comparisons = list(group)
        own = {name: look[name] for name in look if name in comparisons[-1].designs}
        not_compared = left_out(statistics.collapsed, base)
        yield f"{MATRIX}{base}", make.matrix_figure(comparisons, statistics.alpha, width, not_compared)
        yield from _figures_of_tests(base, comparisons, own, statistics.alpha, width)
        of_base = make.compared_scores(scores, comparisons[-1])
        yield f"scores-{base}", make.scores_figure(of_base, own, width)
        costs = score_against_cost(trained.study, comparisons[-1]) if len(own) <= MOST_IN_ROWS else []
        if costs:
            runs = make.run_means(of_base)
            yield f"score-against-cost-{base}", cost_figure(costs, comparisons[-1], runs, own, width)
        if any(comparison.factors.crossed for comparison in comparisons):
            yield f"interaction-{base}", make.interaction_figure(comparisons, of_base, own, width)
        shown = {name: look[name] for name in look if name in (*own, *not_compared)}
        yield from trained_figures(base, shown, comparisons[-1].seeds, trained, width)
    if "composition" in trained.data:
        data = trained.data
        yield COMPOSITION, composition_figure(data["composition"], data["words_per_text"], width)


def _figures_of_tests(
    base: str, comparisons: Sequence[Comparison], look: Mapping[str, Look], alpha: float, width: float
) -> Iterator[tuple[str, Figure]]:
    overall = comparisons[-1]
    yield f"cd-column-{base}-All", make.critical_difference_figure(overall, look, alpha, COLUMN)
    for comparison in (one for one in comparisons if one.has_diagram):
        figure = make.critical_difference_figure(comparison, look, alpha, width)
        yield f"cd-{base}-{comparison.category}", figure
    if len(look) <= MOST_IN_ROWS:
        figure = make.critical_difference_figure(overall, look, alpha, width, "wilcoxon")
        yield f"cd-wilcoxon-{base}-All", figure
        yield f"differences-{base}", make.differences_figure(comparisons, look, alpha, width)
    else:
        named = "" if base == NO_BASE else f"{base}: "
        note(
            f"{named}{len(look)} {overall.unit}s are too many for figures of differences, Wilcoxon's "
            f"test, and scores by category (at most {MOST_IN_ROWS}); see the tables"
        )
    if len(look) >= FEWEST_FOR_TABLE:
        yield f"significance-{base}-All", make.significance_figure(overall, alpha, width)


def draw_study(
    statistics: Statistics,
    scores: pd.DataFrame,
    folder: Path,
    width: float,
    trained: Trained = NOT_TRAINED,
) -> None:
    """Write all figures of a study to `folder`, as SVG and PDF, and the verdicts as PNG too."""
    drawn: set[str] = set()
    with style_for([*drawn_names(statistics), *trained.data.get("composition", {})]):
        figures = study_figures(statistics, scores, width, trained)
        for name, figure in progress(figures, description="figures"):
            if name.casefold() in drawn:
                raise BadInput(f"two figures would have the name {name}; rename a base or a category")
            drawn.add(name.casefold())
            kinds = UNDATED | (PIXELS if name.startswith(MATRIX) else {})
            for kind, metadata in kinds.items():
                figure.savefig(folder / f"{name}.{kind}", metadata=metadata, dpi=DPI)


@command
def main() -> None:
    """Draw the figures of a study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--statistics", type=Path, required=True, help="statistics.json")
    parser.add_argument("--scores", type=Path, required=True, help="scores.csv")
    parser.add_argument("--runs", type=Path, help="folder of the training logs, {base}/{design}/seed{seed}/")
    parser.add_argument("--data", type=Path, nargs="?", help="data report, for the composition of the data")
    parser.add_argument("--tuning", type=Path, help="folder of the tuning's choices, {base}/{design}/")
    parser.add_argument("--layers", type=Path, nargs="?", help="layers.json, if the layers were analyzed")
    parser.add_argument("--study", type=Path, help="study.json, for the cost of its designs")
    parser.add_argument("--output", type=Path, required=True, help="folder of figures to write")
    parser.add_argument(
        "--width", type=float, default=7.0, help="inches; 3.3 fits one column of a paper, 7 two"
    )
    arguments = parser.parse_args()
    if arguments.width < 3:
        raise BadInput(f"--width {arguments.width:g} is too narrow; choose 3 inches or more")
    statistics, scores = read_statistics(arguments.statistics), read_scores(arguments.scores)
    check_unchanged(arguments.scores, statistics.sha256, "run the comparison again")
    trained = Trained(
        arguments.runs,
        arguments.tuning,
        read_layer_summary(arguments.layers) if arguments.layers else None,
        read_object(arguments.data, {}) if arguments.data else {},
        read_study(arguments.study) if arguments.study else {},
    )
    with atomic(arguments.output) as folder:
        folder.mkdir()
        draw_study(statistics, scores, folder, arguments.width, trained)


if __name__ == "__main__":
    main()
