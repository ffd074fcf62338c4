"""What every command shares: one-line errors, progress on the console, outputs that are whole or absent.

The rules run a command as `python -m embedding_designs.<module> … 3>&2 > {log} 2>&1`: the log takes
everything, the console only progress and the reason of a failure.
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

CONSOLE = "EMBEDDING_DESIGNS_CONSOLE"  # the rules set it to the descriptor that they point at the console


class BadInput(Exception):
    """The user's input cannot be used; the message is one line: file, key or row, value, what is allowed."""


class Stopped(Exception):
    """The work was stopped by a signal, and goes on when the same command is run again; one line."""


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Return `main` with every failure reported in one line on the console and a non-zero exit code."""

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except BadInput as error:
            _say(f"error: {error}")
            sys.exit(2)
        except Stopped as stop:
            _say(f"stopped: {stop}")
            sys.exit(128 + signal.SIGTERM)
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            if _console() is not sys.stderr:
                print(f"error: {type(error).__name__}: {reason}", file=_console(), flush=True)
            raise

    return run


def progress(iterable=None, *, description: str, total: int | None = None, every: float = 10.0) -> tqdm:
    """Return a tqdm bar that prints a whole line on the console every `every` seconds.

    Lines rather than one redrawn bar, because several jobs share the console.
    """
    return tqdm(
        iterable, desc=description, total=total, mininterval=every, maxinterval=every, miniters=1,
        file=console_lines(), leave=False, ncols=100,
    )  # fmt: skip


def console_lines():
    """Return a text file for tqdm whose lines go to the console."""
    return _Lines(_console())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
    if _console() is not sys.stderr:
        print(line, file=_console(), flush=True)


def _console():
    return _descriptor(int(os.environ[CONSOLE])) if CONSOLE in os.environ else sys.stderr


@functools.cache
def _descriptor(number: int):
    return os.fdopen(os.dup(number), "w")


class _Lines:
    """A text file that turns tqdm's carriage returns into lines and drops its blank redraws."""

    def __init__(self, file):
        self.file = file

    def write(self, text: str) -> None:
        if line := text.replace("\r", "").strip():
            self.file.write(line + "\n")

    def flush(self) -> None:
        self.file.flush()


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write a file or folder to; it replaces `path` only when whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield part
        if path.is_dir() and part.is_dir():
            shutil.rmtree(path)
        os.replace(part, path)
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def resumable(folder: Path, key: str) -> Iterator[Path]:
    """Yield a folder for work in progress and remove it at the end; a kill leaves it to go on from.

    A folder that was begun with another key, that is, from other inputs, is emptied first.
    """
    mark = folder / "begun_from"
    if folder.exists() and (not mark.exists() or mark.read_text() != key):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with whole(mark) as part:
        part.write_text(key)
    yield folder
    shutil.rmtree(folder)


def content_hash(*paths: Path) -> str:
    """Return the SHA-256 of the files' contents, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file; BadInput names the file and line where it is none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from None


def write_json(path: str | Path, content: Any, indent: int | None = 2) -> None:
    """Write `content` as JSON, whole or not at all; without indent it is ten times as fast."""
    with whole(path) as part:
        part.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
