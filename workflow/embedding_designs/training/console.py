"""The console of a training that runs in several processes."""

import os
import signal

from ..common.command import CONSOLE

CONSOLE_FILE = "EMBEDDING_DESIGNS_CONSOLE_FILE"  # for processes that do not inherit the console's descriptor


def keep_console() -> None:
    """Make a pipe to the console that processes which inherit no descriptors can open by its name.

    A separate process copies from the pipe until all its writers have ended. The console itself cannot be
    opened again: if it is a file, it would be overwritten from its start.
    """
    if CONSOLE not in os.environ:
        return
    console = int(os.environ.pop(CONSOLE))
    reader, writer = os.pipe()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # or the last lines would be lost
        os.close(writer)
        while said := os.read(reader, 4096):
            os.write(console, said)
        os._exit(0)
    os.close(reader)
    os.set_inheritable(writer, True)  # over exec
    os.environ[CONSOLE_FILE] = f"/proc/{os.getpid()}/fd/{writer}"


def take_console() -> None:
    """Point progress at the console of the command that launched this process, if it can be opened."""
    if path := os.environ.pop(CONSOLE_FILE, None):
        try:
            os.environ[CONSOLE] = str(os.open(path, os.O_WRONLY))
        except OSError:
            return  # progress goes to the log
