"""Where files are: in the working directory or, what that does not have, in the project itself."""

from pathlib import Path

PROJECT = Path(__file__).parents[2]


def found(path: str | Path) -> Path:
    """Return a path of the working directory or, where there is no such file, of the project."""
    path = Path(path)
    return path if path.exists() or Path.cwd() == PROJECT else PROJECT / path
