"""What every command shares: one-line errors, progress on the console, outputs that are whole or absent.

The rules run a command as `python -m embedding_designs.<module> … 3>&2 > {log} 2>&1`: the log takes
everything, the console only progress and the reason of a failure.
"""

import contextlib
import errno
import functools
import glob
import hashlib
import json
import os
import shutil
import signal
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, the quota, or the size a file may have
FULL_DISK_WORDS = (  # in errors that are not an OSError; the last two are torch's, for a truncated file
    *("No space left on device", "Disk quota exceeded"),
    *("PytorchStreamWriter failed writing file", "inline_container.cc"),
)
CONSOLE = "EMBEDDING_DESIGNS_CONSOLE"  # the rules set it to the descriptor that they point at the console


class BadInput(Exception):
    """The user's input cannot be used; the message is one line: file, key or row, value, what is allowed.

    Line breaks and lone surrogates are escaped, so that any value gives one line that can be printed.
    """

    def __init__(self, message: str):
        super().__init__(one_line(message))


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
            if is_full_disk(error):
                _say(f"error: {no_space_left(error)}")
                sys.exit(1)
            reason = " ".join(str(error).split())[:300]
            if _console() is not sys.stderr:
                print(f"error: {type(error).__name__}: {reason}", file=_console(), flush=True)
            raise

    return run


def one_line(text: str) -> str:
    """Return a text with line breaks and other unprintable characters as escapes such as \\n."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def note(line: str) -> None:
    """Show one line on the console and in the log: what was left out, and why."""
    _say(f"note: {one_line(line)}")


def is_full_disk(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, reports a full disk or quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            return True
        if any(words in str(error) for words in FULL_DISK_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def no_space_left(error: BaseException) -> str:
    """Return one line on a full disk: which file could not be written, and what to do."""
    file = getattr(error, "filename", None)
    where = f" for {file}" if file else ""
    return f"no space left on the disk{where}; free some space and run the same command again"


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
    return os.fdopen(os.dup(number), "w", errors="backslashreplace")


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
    """Yield a path beside `path` to write a file or folder to; it replaces `path` atomically.

    The output is synced to disk before it replaces `path`, so that a power failure leaves the old content or
    the new one. Temporary files that a killed job left are removed first.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in path.parent.glob(f".{glob.escape(path.name)}.????????{glob.escape(path.suffix)}"):
        _remove(left_behind)
    part = _temporary(path)
    try:
        yield part
        sync(part)
        if path.is_dir() and part.is_dir():  # a folder cannot replace one that holds files
            old = _temporary(path)
            os.replace(path, old)
            os.replace(part, path)
            _remove(old)
        else:
            os.replace(part, path)
        _sync_entry(path.parent)
    finally:
        _remove(part)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{path.suffix}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or a folder and everything in it, to disk."""
    for inside in [*path.rglob("*"), path]:
        if not inside.is_symlink():
            _sync_entry(inside)


def _sync_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def read_json(path: str | Path, keys: Sequence[str] = ()) -> Any:
    """Return the content of a JSON file; with `keys`, an object that has them.

    Raises BadInput that names the file and the line where it is not JSON, or what is missing from it.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder, not a JSON file") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, too long a number, too deeply nested
        raise BadInput(f"{path}: not JSON: {' '.join(str(error).split())[:200]}") from None
    if keys and not isinstance(content, dict):
        raise BadInput(f"{path}: not a JSON object; expected an object with {', '.join(keys)}")
    for key in keys:
        if key not in content:
            raise BadInput(f"{path}: {key} is missing; required: {', '.join(keys)}")
    return content


def write_json(path: str | Path, content: Any, indent: int | None = 2) -> None:
    """Write `content` as JSON, whole or not at all; without indent it is ten times as fast."""
    with whole(path) as part:
        part.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
