"""Reports what was supplied but not used, on the console, on the findings page, and in statistics.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..common.command import note
from ..common.errors import BadInput
from ..common.hashes import file_hash
from ..common.json_files import write_json
from ..common.wording import counted, few

KEPT = 100  # names recorded per entry; all are counted
SHOWN = 10  # entries on the console


@dataclass(frozen=True)
class NotUsed:
    """Things of one kind that were not used for the same reason; only the first names are recorded."""

    what: str
    count: int
    names: list[str]
    reason: str


def not_used(what: str, names: Sequence[str], reason: str) -> list[NotUsed]:
    """Return an entry on things of one kind that were not used for one reason, or no entry without names.

    what: the kind in the singular, such as "model".
    """
    return [NotUsed(what, len(names), list(names[:KEPT]), reason)] if names else []


def in_words(entry: NotUsed) -> str:
    """Return an entry as a phrase: "2 models not used: a, b (their score is missing)"."""
    named = few(entry.names, count=entry.count)
    return f"{counted(entry.count, entry.what)} not used: {named} ({entry.reason})"


def in_lines(entries: Sequence[NotUsed]) -> list[str]:
    """Return entries as lines for the console, at most the first SHOWN and the number of the others."""
    lines = [in_words(entry) for entry in entries[:SHOWN]]
    if len(entries) > SHOWN:
        lines.append(f"{len(entries) - SHOWN} more lines on what was not used are on the findings page")
    return lines


def note_all(entries: Sequence[NotUsed]) -> None:
    """Print entries to the console, one per line, at most the first SHOWN."""
    for line in in_lines(entries):
        note(line)


def write_report(
    path: Path,
    tables: Sequence[Path],
    entries: Sequence[NotUsed],
    revisions: Mapping[str, str],
    **more: list[Any],
) -> None:
    """Write a collection's report: the hashes of its tables, what was not used, and the models' revisions.

    more: other keys of the report, which are left out if they are empty.
    """
    hashes = {table.name: file_hash(table) for table in tables}
    listed = [asdict(entry) for entry in entries]
    report = {"sha256": hashes, "not_used": listed, "revisions": dict(revisions)}
    write_json(path, report | {key: value for key, value in more.items() if value})


def check_unchanged(path: Path, recorded: Mapping[str, str], remedy: str) -> None:
    """Raise BadInput if a table's hash differs from the one that was recorded under its name."""
    expected = recorded.get(path.name)
    if expected is not None and path.exists() and (found := file_hash(path)) != expected:
        hashes = f"SHA-256 {found[:12]}…, was {expected[:12]}…"
        raise BadInput(f"{path}: changed since it was collected ({hashes}); {remedy}")
