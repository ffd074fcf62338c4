"""The tuning of a base's designs on the findings page: what was chosen, and the order with one setting."""

from collections.abc import Iterator, Sequence
from typing import Any

from ...common.wording import counted, listing
from ...study.tuning import Settings
from ..tuning_choices import Choices, point_at, setting_in_words, tried_settings
from .table import Row, Table


def tuning(choices: Choices) -> dict[str, Any] | None:
    """Return the sentences and tables on the tuning of a base's designs, or None if there was none."""
    if not choices:
        return None
    sentences = [*_how(choices), *_untrained(choices), *_edges(choices), *_leaders(choices)]
    return {"sentences": sentences, "choices": _chosen(choices), "orders": _orders(choices)}


def _how(choices: Choices) -> Iterator[str]:
    """Yield how the settings were chosen, and why designs with fewer points had the same budget."""
    first, most = next(iter(choices.values())), len(tried_settings(choices))
    yield (
        f"Every design was trained for {_steps(choices)} with seed {first.seed}, which no run "
        f"uses, at each of the {counted(most, 'point')} of the same grid. The point with the lowest held-out "
        "loss at the end, or the first of several, gave the settings of all its runs."
    )
    if fewer := [design for design, choice in choices.items() if len(choice.points) < most]:
        yield (
            f"The pooling of {listing(fewer)} has no weights, so points that differ only in the pooling "
            "learning rate are the same training. It was done once, and repeating it would change nothing: "
            "no design could choose from more settings than another."
        )


def _steps(choices: Choices) -> str:
    """Return how long all tuning runs were or, if their compute was equal, how long those of each design."""
    steps = {design: choice.steps for design, choice in choices.items()}
    if len({*steps.values()}) == 1:
        return counted(next(iter(steps.values())), "step")
    by_design = ", ".join(f"{design} {number}" for design, number in steps.items())
    return f"as many steps as equal compute allows ({by_design})"


def _untrained(choices: Choices) -> Iterator[str]:
    """Yield which designs did not learn at any point."""
    for design, choice in choices.items():
        if all(point.collapsed or point.heldout_loss is None for point in choice.points):
            yield f"No point of the grid trained {design}: at each of them, its run collapsed or diverged."


def _edges(choices: Choices) -> Iterator[str]:
    """Yield which chosen values are at the edge of the grid."""
    for key in tried_settings(choices)[0]:
        values = sorted({settings[key] for settings in tried_settings(choices)})
        edges = {values[0]: "lowest", values[-1]: "highest"} if len(values) > 1 else {}
        at_edge = [
            f"{design} ({choice.settings[key]:g}, the {edges[choice.settings[key]]})"
            for design, choice in choices.items()
            if choice.settings.get(key) in edges
        ]
        if at_edge:
            yield (
                f"The chosen {_words(key)} is at the edge of the grid for {listing(at_edge)}; a better one "
                "may lie outside."
            )


def _leaders(choices: Choices) -> Iterator[str]:
    """Yield which design would come first with each setting, if all designs had the same one."""
    tried = tried_settings(choices)
    firsts: dict[str, list[Settings]] = {}
    for settings in tried:
        if order := _order(choices, settings):
            firsts.setdefault(order[0], []).append(settings)
    if len(firsts) == 1:
        first = f"{next(iter(firsts))} would come first at every point with a finite loss"
    else:
        first = "; ".join(
            f"{design} would come first at {_where(at, len(tried))}" for design, at in firsts.items()
        )
    basis = "by the held-out losses of these tuning runs, not by scores on tasks"
    yield f"With one setting for all designs, {first} ({basis})."
    own = sorted(choices, key=lambda design: choices[design].heldout_loss)
    yield f"With its own choice for each design, the order is {', '.join(own)}."


def _where(points: Sequence[Settings], n_points: int) -> str:
    """Return points in words: all their rates, if only the rate was tuned, or else their number."""
    if len(points[0]) > 1:
        return f"{len(points)} of {n_points} points"
    (key,) = points[0]
    return f"{_words(key)} {' or '.join(f'{settings[key]:g}' for settings in points)}"


def _order(choices: Choices, settings: Settings) -> list[str]:
    """Return the designs with a finite loss at these settings, the lowest first."""
    points = {design: point_at(choice, settings) for design, choice in choices.items()}
    losses = {design: p.heldout_loss for design, p in points.items() if p.heldout_loss is not None}
    return sorted(losses, key=losses.__getitem__)


def _chosen(choices: Choices) -> Table:
    """Return one row per design: the chosen settings, their loss, and how many points failed."""
    keys = list(tried_settings(choices)[0])
    rows = [
        Row(design, [
            *(f"{choice.settings[key]:g}" if key in choice.settings else "–" for key in keys),
            f"{choice.heldout_loss:.4f}",
            str(len(choice.points)),
            str(sum(point.heldout_loss is None for point in choice.points)),
            str(sum(point.collapsed for point in choice.points)),
        ])
        for design, choice in choices.items()
    ]  # fmt: skip
    header = ["Design", *(_words(key).capitalize() for key in keys), "Held-out loss", "Points", "Not finite",
              "Collapsed"]  # fmt: skip
    return Table("Settings chosen for each design", header, rows)


def _orders(choices: Choices) -> Table:
    """Return one row per setting: the order of the designs if all of them had it."""
    rows = []
    for settings in tried_settings(choices):
        order = _order(choices, settings)
        losses = [point_at(choices[design], settings).heldout_loss or 0.0 for design in order]
        shown = [f"{design} {loss:.3f}" for design, loss in zip(order, losses, strict=True)]
        missing = [design for design in choices if design not in order]
        rows.append(Row(setting_in_words(settings), [", ".join(shown), ", ".join(missing) or "–"]))
    caption = "Order of the designs by held-out loss of the tuning runs, with one setting for all"
    return Table(caption, ["Setting", "Lowest loss first", "Not finite"], rows)


def _words(key: str) -> str:
    return key.replace("_", " ")
