"""SIGTERM (preemption, scancel, a time limit): work stops at a point from which it can resume.

transformers' `enable_jit_checkpoint` cannot stop within a step or a held-out loss, waits three seconds first,
and saves in each process when that process gets the signal, not at one step in all of them.
"""

import contextlib
import os
import signal
from types import FrameType, TracebackType

from ..common.errors import Stopped
from . import processes


def leave_at_sigterm() -> None:
    """Make SIGTERM raise Stopped, so that half-written outputs are removed and the exit code is not zero."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a scheduler may send a second signal
    raise Stopped("by SIGTERM")


class StopSignal:
    """Defers SIGTERM: within this context it only makes `check` raise Stopped.

    All processes of a training stop at the same check, even if only some of them got the signal. The
    signal is read from a pipe that the C library's handler writes to, because Python's own handlers wait
    while the main thread is in a backward pass on a GPU.
    """

    def __enter__(self) -> "StopSignal":
        self.received = False
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._handler = signal.signal(signal.SIGTERM, lambda number, frame: None)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._read()
        signal.set_wakeup_fd(self._wakeup)
        signal.signal(signal.SIGTERM, self._handler)
        os.close(self._reader)
        os.close(self._writer)
        if self.received and error is None:  # the signal came after the last check
            signal.raise_signal(signal.SIGTERM)

    def check(self) -> None:
        """Raise Stopped on all processes if one of them was asked to stop."""
        self._read()
        if processes.total(int(self.received)):
            raise Stopped("by SIGTERM")

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.received |= signal.SIGTERM in os.read(self._reader, 4096)
