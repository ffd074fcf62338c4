"""Draws the held-out loss of tuning runs against the learning rate: one line per design."""

from collections.abc import Mapping
from math import log

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...study.tuning import Settings
from ..tuning_choices import Choices, point_at, setting_in_words, tried_settings
from .looks import Look, line_style
from .study_figures import legend_below

RATE = "learning_rate"
MARGIN = 1.3  # factor from the outer rates to the ends of the axis
HEADROOM = 1.15  # highest loss drawn, relative to that of equal embeddings: one bad point hides no difference


def draw_tuning(choices: Choices, fixed: Settings, look: Mapping[str, Look], ax: Axes) -> Axes:
    """Draw the last held-out loss of each design by learning rate; a ring marks the chosen point.

    fixed: the other settings of this panel. A loss that is not finite is not drawn. The dashed line is the
    loss if all embeddings are equal.
    """
    tried = [point for choice in choices.values() for point in choice.points]
    rates = sorted({point.settings[RATE] for point in tried if point.heldout_loss is not None})
    for design, choice in choices.items():
        points = [point_at(choice, {RATE: rate, **fixed}) for rate in rates]
        losses = [float("nan") if p.heldout_loss is None else p.heldout_loss for p in points]
        ax.plot(rates, losses, **line_style(look[design]))
        for rate, point in zip(rates, points, strict=True):
            if point.settings == choice.settings:
                ax.plot(rate, choice.heldout_loss, "o", ms=9, mfc="none", mec=look[design].colour, mew=0.8)
    level = log(max(choice.documents for choice in choices.values()))
    ax.axhline(level, linestyle="--", linewidth=0.6, color="#888888", zorder=0)
    ax.set_ylim(top=min(ax.get_ylim()[1], HEADROOM * level))
    ax.set_xscale("log")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.set_xlim(rates[0] / MARGIN, rates[-1] * MARGIN)
    ax.minorticks_off()
    ax.set_xlabel(RATE.replace("_", " "))
    return ax


def tuning_figure(choices: Choices, look: Mapping[str, Look], width: float) -> Figure:
    """Return one panel for each combination of the other settings; width in inches."""
    others = [{k: v for k, v in settings.items() if k != RATE} for settings in tried_settings(choices)]
    panels = [fixed for place, fixed in enumerate(others) if fixed not in others[:place]]
    columns, ncols = min(len(panels), 3 if width >= 5 else 1), max(1, int(width / 2))
    rows, legend = -(-len(panels) // columns), 0.14 * -(-len(choices) // ncols)  # inches
    figure = Figure(figsize=(width, 1.9 * rows + legend + 0.3), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for ax in axes[len(panels) :]:
        ax.remove()
    for ax, fixed in zip(axes, panels, strict=False):
        title = setting_in_words(fixed) or "held-out loss"
        draw_tuning(choices, fixed, look, ax).set_title(title, loc="left", parse_math=False)
    legend_below(figure, {design: look[design] for design in choices}, ncols, width)
    return figure
