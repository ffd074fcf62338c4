"""Outputs that are complete or absent, and work in progress that survives a kill."""

import contextlib
import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
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

    A folder that was started with another key, that is, from other inputs, is emptied first.
    """
    mark = folder / "begun_from"
    if folder.exists() and (not mark.exists() or mark.read_text() != key):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(mark) as part:
        part.write_text(key)
    yield folder
    shutil.rmtree(folder)
