"""Tuning: the points of a study's grid that a design tries, the recipe of each, and the choice among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from ..common.json_files import Kind, check_object, read_object
from .designs import has_pooling_rate

Settings = dict[str, int | float]  # keys of `training`
CHOICE: dict[str, Kind] = {"settings": dict, "heldout_loss": float, "steps": int, "seed": int,
                           "documents": int, "points": list}  # fmt: skip
POINT: dict[str, Kind] = {"settings": dict, "heldout_loss": float | None, "collapsed": bool}


@dataclass(frozen=True)
class Point:
    """One point of the grid, and its last held-out loss; None: a loss or weight was not finite."""

    settings: Settings
    heldout_loss: float | None
    collapsed: bool


@dataclass(frozen=True)
class Choice:
    """The settings that were chosen for a design on a base, and everything that was tried.

    documents: the number of documents that a query is compared with in the held-out loss.
    """

    settings: Settings
    heldout_loss: float
    steps: int
    seed: int
    documents: int
    points: list[Point]


def read_choice(path: Path) -> Choice:
    """Return the choice in a file that the rule choose_settings wrote; BadInput if it is another file."""
    content = read_object(path, CHOICE)
    for number, point in enumerate(content["points"]):
        check_object(f"{path}: points.{number}", point, POINT)
    points = [_of(Point, point) for point in content["points"]]
    return _of(Choice, content | {"points": points})


def _of(kind: type, content: Mapping[str, Any]) -> Any:
    return kind(**{field.name: content[field.name] for field in fields(kind)})


def tuning_points(tuning: Mapping[str, Any], design: Mapping[str, Any]) -> dict[str, Settings]:
    """Return the settings of each point of the grid that a design tries, by the point's name.

    A design without such weights does not use `pooling_learning_rate`: points that differ only in it are one.
    """
    grid = dict(tuning["grid"])
    if not has_pooling_rate(design):
        grid.pop("pooling_learning_rate", None)
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    return {point_name(settings): settings for settings in points}


def point_name(settings: Mapping[str, int | float]) -> str:
    """Return the name of a point, such as "learning_rate-0.001_warmup_steps-5", which paths can contain."""
    return "_".join(f"{key}-{value!r}" for key, value in settings.items())


def design_tuning(tuning: Mapping[str, Any], design: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the choice of a design's settings depends on, beside its tuning runs."""
    return {key: tuning[key] for key in ("steps", "seed")} | {"points": tuning_points(tuning, design)}


def tuned(study: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return base and design of each choice of settings; none if the study has no tuning."""
    return product(study["bases"], study["designs"]) if "tuning" in study else iter(())


def tuning_runs(study: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield base, design and point of each tuning run."""
    for base, design in tuned(study):
        for point in tuning_points(study["tuning"], study["designs"][design]):
            yield base, design, point


def tuning_recipe(
    training: Mapping[str, Any], tuning: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Return the recipe of one point: a training with its settings, but only as long as `tuning.steps`.

    The warmup is shortened in proportion, so that the schedule has the same shape.
    """
    recipe, steps = {**training, **settings}, tuning["steps"]
    warmup = -(-recipe["warmup_steps"] * steps // training["steps"])
    return recipe | {"steps": steps, "warmup_steps": min(warmup, steps - 1)}


def check_tuning(study: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each problem of a study's tuning."""
    tuning = study.get("tuning")
    if tuning is None:
        return
    if tuning["seed"] in study["seeds"]:
        yield f"tuning.seed {tuning['seed']} is also in seeds; choose a seed that no run uses"
    if study["data"]["heldout_rows"] < 2:
        yield f"tuning needs data.heldout_rows 2 or more, not {study['data']['heldout_rows']}"
