"""Reads what tuning chose and tried for the designs of a base."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..study.tuning import Choice, Point, Settings, read_choice

Choices = Mapping[str, Choice]  # by design


def read_choices(folder: Path, base: str, designs: Iterable[str]) -> dict[str, Choice]:
    """Return the choice of each design on a base; empty if the study has no tuning."""
    files = {design: folder / base / design / "choice.json" for design in designs}
    return {design: read_choice(file) for design, file in files.items() if file.exists()}


def tried_settings(choices: Choices) -> list[Settings]:
    """Return the settings of all points of the grid, in its order."""
    widest = max(choices.values(), key=lambda choice: len(choice.settings))
    return [point.settings for point in widest.points]


def point_at(choice: Choice, settings: Settings) -> Point:
    """Return a design's point with these settings; a key that its points do not have makes no difference."""
    return next(point for point in choice.points if point.settings.items() <= settings.items())


def setting_in_words(settings: Settings) -> str:
    """Return settings as "learning rate 0.001, warmup steps 5"."""
    return ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in settings.items())
