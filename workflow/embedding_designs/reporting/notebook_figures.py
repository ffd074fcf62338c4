"""The figures of one comparison for a notebook: each is drawn into an ax, or a new figure, and returned."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from ..common.errors import BadInput
from ..comparison.results import Comparison, Statistics
from .figures.comparison import draw_differences, draw_interaction
from .figures.critical_difference import diagram_height, draw_critical_difference
from .figures.fonts import drawn_names, style_for
from .figures.looks import Look, draw_scores, looks
from .figures.significance import draw_significance, significance_height
from .figures.study_figures import run_means

WIDTH = 7.0  # inches of a new figure
SHARE = 0.95  # of it for texts that are laid out; hinted letters on a screen are wider than in a file
ROW = 0.25  # inches of a row with one model


@dataclass(frozen=True)
class Figures:
    """The figures of one comparison. ax: to draw into; None: a new figure, as wide as two columns of a paper.

    The first two lay out their texts for the width of the ax, and leave room below if it is higher than they
    need.
    """

    comparison: Comparison
    statistics: Statistics
    scores: pd.DataFrame

    def critical_difference(self, ax: Axes | None = None, test: str = "nemenyi") -> Axes:
        """Draw the critical-difference diagram, with the bars of a test: "nemenyi" or "wilcoxon"."""
        if test not in ("nemenyi", "wilcoxon"):
            raise BadInput(f"test {test!r} is not known; choose nemenyi or wilcoxon")
        alpha = self.statistics.alpha

        def height(width: float) -> float:
            return diagram_height(self.comparison, self.look, alpha, width, test)

        return self._laid_out(
            ax, height, lambda ax: draw_critical_difference(self.comparison, self.look, alpha, ax, test)
        )

    def significance(self, ax: Axes | None = None) -> Axes:
        """Draw the table of all pairs, and which tests separate them: Wilcoxon-Holm, Nemenyi, or both."""
        alpha = self.statistics.alpha

        def height(width: float) -> float:
            return significance_height(self.comparison, alpha, width)

        return self._laid_out(ax, height, lambda ax: draw_significance(self.comparison, alpha, ax))

    def differences(self, ax: Axes | None = None) -> Axes:
        """Draw the differences in mean score from the control, with their intervals."""
        return self._in_rows(ax, lambda ax: draw_differences(self.comparison, self.look, ax))

    def mean_scores(self, ax: Axes | None = None) -> Axes:
        """Draw the mean scores, with a small dot for each seed."""
        return self._in_rows(ax, lambda ax: draw_scores(run_means(self.scores), self.look, ax))

    def interaction(self, ax: Axes | None = None) -> Axes:
        """Draw the mean score of each pooling, with one line per attention, if the designs cross them."""
        if not self.comparison.factors.crossed:
            raise BadInput("no interaction to draw: the table does not cross poolings and attentions")
        runs = run_means(self.scores)
        return self._drawn(ax, 3.5, lambda ax: draw_interaction(runs, self.comparison, self.look, ax))

    @property
    def look(self) -> dict[str, Look]:
        """How each model is drawn, the highest mean score first."""
        means, look = self.comparison.mean_scores, looks(self.statistics.designs)
        return {name: look[name] for name in sorted(means, key=lambda name: -means[name])}

    def _in_rows(self, ax: Axes | None, draw: Callable[[Axes], Axes]) -> Axes:
        return self._drawn(ax, ROW * (len(self.look) + 2), draw)

    def _laid_out(
        self, ax: Axes | None, height: Callable[[float], float], draw: Callable[[Axes], Axes]
    ) -> Axes:
        """Draw a figure whose height follows from its width, at the top of an ax that is higher."""

        def at_the_top(ax: Axes) -> Axes:
            there = ax.get_window_extent().height / ax.figure.dpi * 72
            draw(ax).set_ylim(max(ax.get_ylim()[0], there), 0)
            return ax

        with style_for(drawn_names(self.statistics)):
            return at_the_top(ax or _new(WIDTH, height(SHARE * WIDTH), SHARE))

    def _drawn(self, ax: Axes | None, height: float, draw: Callable[[Axes], Axes]) -> Axes:
        with style_for(drawn_names(self.statistics)):
            return draw(ax or _new(WIDTH, height))


def _new(width: float, height: float, share: float | None = None) -> Axes:
    """Return the ax of a new figure that a notebook shows; share: of its width, without room for ticks."""
    from matplotlib import pyplot  # chooses a backend, which a library should not do when it is imported

    if share is None:
        return pyplot.figure(figsize=(width, height), layout="constrained").subplots()
    return pyplot.figure(figsize=(width, height)).add_axes((0, 0, share, 1))
