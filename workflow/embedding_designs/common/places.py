"""Finds files in the working directory or, if they are not there, in the project."""

from pathlib import Path

PROJECT = Path(__file__).parents[3]


def found(path: str | Path) -> Path:
    """Return a path in the working directory or, if nothing is there, in the project."""
    path = Path(path)
    return path if path.exists() or Path.cwd() == PROJECT else PROJECT / path
