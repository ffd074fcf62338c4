"""The NVIDIA GPUs of this machine: how many there are, and which of them a command uses."""

import fcntl
import functools
import os
import subprocess

from .errors import BadInput

VISIBLE = "CUDA_VISIBLE_DEVICES"
HIDDEN = ("", "-1")


@functools.cache
def count() -> int:
    """Return the number of GPUs that the driver shows, whether or not torch can use them."""
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    except OSError:
        return 0
    return len(listed.stdout.splitlines()) if listed.returncode == 0 else 0


def are_used() -> bool:
    """Return whether there are GPUs and they are not hidden on purpose."""
    return os.environ.get(VISIBLE) not in HIDDEN and count() > 0


def choose(number: int) -> None:
    """Leave `number` GPUs visible to this command: if possible, ones that no other command uses.

    A scheduler has chosen already, by CUDA_VISIBLE_DEVICES. Where there is none, each GPU's lock is held by
    the process that uses it, until it ends. Raises BadInput if there are fewer GPUs, but not none.
    """
    visible = os.environ.get(VISIBLE)
    names = map(str, range(count())) if visible is None else visible.split(",")
    there = [name for name in names if name not in HIDDEN]
    if 0 < len(there) < number:
        raise BadInput(
            f"{number} GPUs are asked for, but there are {len(there)}; choose from 1 to {len(there)}"
        )
    if visible is None:
        free = [*map(str, _lock_free_ones(number, len(there)))]
        there = [*free, *(gpu for gpu in there if gpu not in free)]
    if there:
        os.environ[VISIBLE] = ",".join(there[:number])


def _lock_free_ones(number: int, there: int) -> list[int]:
    chosen: list[int] = []
    for gpu in range(there):
        lock = os.open(f"/tmp/embedding-designs-{os.getuid()}-gpu{gpu}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        os.set_inheritable(lock, True)  # over exec
        chosen.append(gpu)
        if len(chosen) == number:
            break
    return chosen


def refuse_unused_ones(torch_version: str) -> None:
    """Raise BadInput if there are GPUs that torch does not see, unless they are hidden on purpose."""
    if os.environ.get(VISIBLE) in HIDDEN:
        return
    if there := count():
        raise BadInput(
            f"this machine has {there} NVIDIA GPUs, but torch {torch_version} sees none: it needs a CUDA"
            f" build that the driver supports (nvidia-smi shows its version); {VISIBLE}=-1 uses the CPU"
        )
