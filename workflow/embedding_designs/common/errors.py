"""Errors that reach the user: one line each, whatever values they name."""

import errno

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, the quota, or the size a file may have
FULL_DISK_WORDS = (  # in errors that are not an OSError; the last two are torch's, for a truncated file
    *("No space left on device", "Disk quota exceeded"),
    *("PytorchStreamWriter failed writing file", "inline_container.cc"),
)


class BadInput(Exception):
    """The user's input cannot be used; the message is one line: file, key or row, value, what is allowed.

    Line breaks and lone surrogates are escaped, so that any value gives one line that can be printed.
    """

    def __init__(self, message: str):
        super().__init__(one_line(message))


class Stopped(Exception):
    """The work was stopped by a signal; the same command resumes it; one line."""


def one_line(text: str) -> str:
    """Return a text with line breaks and other unprintable characters as escapes such as \\n."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def reason(error: BaseException, longest: int = 200) -> str:
    """Return the beginning of an error's text, on one line."""
    return " ".join(str(error).split())[:longest]


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
