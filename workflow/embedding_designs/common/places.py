"""Finds files in the working directory or, if they are not there, in the project."""

from pathlib import Path

PROJECT = Path(__file__).parents[3]  # not a checkout if the package was installed without one


def found(path: str | Path) -> Path:
    """Return a path in the working directory or, if nothing is there, in the project's checkout."""
    path = Path(path)
    if path.exists() or Path.cwd() == PROJECT or not (PROJECT / "Snakefile").exists():
        return path
    return PROJECT / path
