"""What every command shares: one-line errors, notes and progress on the console.

The rules run a command as `python -m embedding_designs.<stage>.<command> … 3>&2 > {log} 2>&1`: the log takes
everything, the console only progress and the reason of a failure.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from tqdm import tqdm

from .errors import BadInput, Stopped, is_full_disk, no_space_left, one_line, reason

CONSOLE = "EMBEDDING_DESIGNS_CONSOLE"  # the rules set it to the descriptor that they point at the console


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
            if _console() is not sys.stderr:
                print(f"error: {type(error).__name__}: {reason(error, 300)}", file=_console(), flush=True)
            raise

    return run


def note(line: str) -> None:
    """Show one line on the console and in the log: what was left out, and why."""
    _say(f"note: {one_line(line)}")


def progress(
    iterable: Iterable[Any] | None = None,
    *,
    description: str,
    total: int | None = None,
    every: float = 10.0,
    quiet: bool = False,
) -> tqdm:
    """Return a tqdm bar that prints a complete line on the console every `every` seconds; nothing if quiet.

    Lines rather than one redrawn bar, because several jobs share the console.
    """
    return tqdm(
        iterable, desc=description, total=total, mininterval=every, maxinterval=every, miniters=1,
        file=console_lines(), leave=False, ncols=100, disable=quiet,
    )  # fmt: skip


def console_lines() -> "_Lines":
    """Return a text file for tqdm whose lines go to the console."""
    return _Lines(_console())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
    if _console() is not sys.stderr:
        print(line, file=_console(), flush=True)


def _console() -> TextIO:
    return _descriptor(int(os.environ[CONSOLE])) if CONSOLE in os.environ else sys.stderr


@functools.cache
def _descriptor(number: int) -> TextIO:
    return os.fdopen(os.dup(number), "w", errors="backslashreplace")


class _Lines:
    """A text file that turns tqdm's carriage returns into lines and drops its blank redraws."""

    def __init__(self, file: TextIO):
        self.file = file

    def write(self, text: str) -> None:
        if line := text.replace("\r", "").strip():
            self.file.write(line + "\n")

    def flush(self) -> None:
        self.file.flush()
