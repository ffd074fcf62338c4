"""A checkpoint's files: marked as complete once they are on the disk, and verified before they are used."""

import re
import shutil
import zlib
from pathlib import Path
from typing import Any

from ..common.atomic_writes import sync
from ..common.command import note
from ..common.errors import BadInput
from ..common.json_files import read_json, write_json
from . import processes

COMPLETE = "complete.json"  # written last: a kill interrupted a checkpoint without it
CHECKPOINT = re.compile(r"checkpoint-(\d+)")
BLOCK = 2**20  # bytes read at a time


def complete_checkpoint(folder: Path) -> str | None:
    """Return the newest intact checkpoint, or None; all processes call this together.

    Incomplete checkpoints are removed, damaged ones are set aside.
    """
    step = int(processes.total(_newest_step(folder) if processes.is_main() else 0))
    return str(folder / f"checkpoint-{step}") if step else None


def _newest_step(folder: Path) -> int:
    steps = [int(name[1]) for path in folder.glob("*") if (name := CHECKPOINT.fullmatch(path.name))]
    for step in sorted(steps, reverse=True):
        checkpoint = folder / f"checkpoint-{step}"
        if not (checkpoint / COMPLETE).exists():
            shutil.rmtree(checkpoint)
        elif reason := damage(checkpoint):
            _set_aside(checkpoint, reason)
        else:
            return step
    return 0


def damage(checkpoint: Path) -> str | None:
    """Return how a checkpoint differs from what was written, or None if it is intact."""
    try:
        files = read_json(checkpoint / COMPLETE, keys=("files", "counts", "losses", "logged"))["files"]
    except BadInput:
        return f"{COMPLETE} cannot be read"
    for name, written in files.items():
        try:
            if fingerprint(checkpoint / name) != written:
                return f"{name} has changed since it was written"
        except OSError as error:
            return f"{name}: {error.strerror}"
    return None


def _set_aside(checkpoint: Path, reason: str) -> None:
    """Rename a damaged checkpoint so that nothing finds it."""
    aside = checkpoint.with_name(f"damaged-{checkpoint.name}")
    if aside.exists():
        shutil.rmtree(aside)
    checkpoint.rename(aside)
    note(f"{checkpoint} is damaged ({reason}) and set aside as {aside.name}; an earlier state is used")


def mark_complete(checkpoint: Path, mark: dict[str, Any]) -> None:
    """Write the mark of a checkpoint, with its files' fingerprints, once these are on the disk."""
    sync(checkpoint)
    files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file()]
    mark["files"] = {str(path.relative_to(checkpoint)): fingerprint(path) for path in files}
    write_json(checkpoint / COMPLETE, mark)


def fingerprint(file: Path) -> list[int]:
    """Return the size and CRC-32 of a file: enough to detect damage, and twice as fast as SHA-256."""
    checksum = 0
    with file.open("rb") as content:
        while block := content.read(BLOCK):
            checksum = zlib.crc32(block, checksum)
    return [file.stat().st_size, checksum]
