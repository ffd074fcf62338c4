"""Chooses one revision of each model from MTEB results; scores of different revisions are never mixed."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..not_used import NotUsed, not_used

NO_REVISION = ("no_revision_available", "external")  # mteb's folders for results of an unknown revision
ID_DIGITS = 8  # digits of a commit in the short name of a revision


class ResultFile(NamedTuple):
    """A file of results and what its path says about it."""

    path: Path
    model: str
    revision: str
    task: str


class Result(NamedTuple):
    """The score in a file, or None and the missing parts, such as "subset de of split test"."""

    file: ResultFile
    score: float | None
    missing: list[str]


def one_revision_each(
    results: Sequence[Result], models: Sequence[str]
) -> tuple[dict[str, list[Result]], dict[str, str], list[NotUsed]]:
    """Return each model's results and revision by name, and the report on unused revisions."""
    by_model: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        by_model.setdefault(result.file.model, {}).setdefault(result.file.revision, []).append(result)
    chosen: dict[str, list[Result]] = {}
    revisions: dict[str, str] = {}
    unnamed: list[str] = []
    incomplete: list[str] = []
    for model, own in by_model.items():
        names = named_revisions(model, own, models)
        left = unnamed if names else incomplete
        names = names or fullest_revisions(model, own)
        chosen |= {name: own[revision] for name, revision in names.items()}
        revisions |= names
        left += [f"{model}@{revision}" for revision in own if revision not in names.values()]
    return chosen, revisions, [
        *not_used("revision", unnamed, "scores.pools names another revision of the model"),
        *not_used("revision", incomplete, "another revision of the model has at least as many scores"),
    ]  # fmt: skip


def named_revisions(model: str, revisions: Collection[str], models: Collection[str]) -> dict[str, str]:
    """Return the revisions of a model that pools name, as "model@revision" -> revision."""
    full = {f"{model}@{revision}": revision for revision in revisions}
    return {name: revision for name, revision in full.items() if short_forms(name) & set(models)}


def fullest_revisions(model: str, revisions: Mapping[str, Sequence[Result]]) -> dict[str, str]:
    """Return the revision with the most scores, as model -> revision; if tied, each as model@revision.

    In a tie, known revisions take precedence over unknown ones.
    """
    counts = {name: sum(not result.missing for result in own) for name, own in revisions.items()}
    fullest = [name for name, count in counts.items() if count == max(counts.values())]
    fullest = [name for name in fullest if name not in NO_REVISION] or fullest
    if len(fullest) == 1:
        return {model: fullest[0]}
    return {f"{model}@{revision}": revision for revision in fullest}


def short_forms(name: str) -> set[str]:
    """Return the names a pool can use for a model: in full, without the owner, with a shortened commit."""
    model, _, revision = name.partition("@")
    revisions = {revision, revision[:ID_DIGITS]} if is_commit(revision) else {revision}
    models = {model, model.rsplit("/", 1)[-1] or model}
    return {f"{model}@{revision}" if revision else model for model in models for revision in revisions}


def is_commit(revision: str) -> bool:
    """Return whether a revision is a commit's SHA-1."""
    return len(revision) == 40 and set(revision) <= set("0123456789abcdef")
