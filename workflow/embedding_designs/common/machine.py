"""The memory that jobs on this machine may use."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

RESERVED_MB = 1000  # for the system and Snakemake


def memory_mb() -> int:
    """Return the memory that jobs may use together, in MB: the machine's, or what a control group allows."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(RESERVED_MB, min([physical, *limits()]) // 10**6 - RESERVED_MB)


def limits(process: Path = Path("/proc/self/cgroup"), groups: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """Yield the bytes to which the control groups of this process, of version 1 or 2, limit its memory.

    A container or a cluster's scheduler sets them. A group is also limited by all groups above it.
    """
    for line in process.read_text().splitlines() if process.exists() else ():
        _, controllers, group = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):  # version 2 has none
            root, name = (
                (groups / "memory", "memory.limit_in_bytes") if controllers else (groups, "memory.max")
            )
            path = root / group.strip("/")
            for folder in (path, *path.parents):
                with contextlib.suppress(OSError, ValueError):  # no such file; "max"
                    yield int((folder / name).read_text())
