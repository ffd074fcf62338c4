"""Fetches repositories of the Hugging Face hub into its cache, and finds them there without a network.

HF_HOME, HF_ENDPOINT and HF_TOKEN are respected. Each failure is one line that says what to do.
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import (
    HfApi,
    constants,
    get_cached_repo_tree,
    get_token,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # of the HTTP client
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm import tqdm

from ..common.command import console_lines
from ..common.errors import BadInput, is_full_disk, reason

COPIES = {"model": 1, "dataset": 3}  # of its bytes: datasets keeps what it reads again, and uncompressed
GIGABYTE = 1e9
LINES_EVERY = 10.0  # seconds


def fetch(
    asked_by: str,
    name: str,
    revision: str | None,
    kind: str,
    choose: Callable[[Iterable[str]], list[str]] = list,
) -> str:
    """Return the commit of a repository after all its files, or those that are chosen, are in the cache.

    kind: "model" or "dataset"; revision: commit, tag or branch, default: the main branch; asked_by: the key
    that names the repository, for errors. What is there already is not fetched again, and a partial
    download is resumed. A commit that is there completely needs no network. BadInput says what to do.
    """
    with explaining_failures(asked_by, name, revision, kind):
        api = HfApi()
        try:
            commit = api.repo_info(name, repo_type=kind, revision=revision).sha
        except HfHubHTTPError:
            raise
        except (HTTPError, OfflineModeIsEnabled):  # no network
            return local(name, revision, kind, choose).name
        files = api.list_repo_tree(name, repo_type=kind, revision=commit, recursive=True)
        sizes = {file.path: file.size for file in files if hasattr(file, "size")}
        chosen = choose(sizes)
        needed = missing_bytes(name, commit, kind, {path: sizes[path] for path in chosen}) * COPIES[kind]
        check_space(needed, f"{asked_by}: {name}")
        bar = type("Bar", (DownloadBar,), {"named": f"fetch {name}"})
        snapshot_download(name, repo_type=kind, revision=commit, allow_patterns=chosen, tqdm_class=bar)
        return commit


@contextlib.contextmanager
def explaining_failures(asked_by: str, name: str, revision: str | None, kind: str) -> Iterator[None]:
    """Raise BadInput in place of what the hub, the network and the disk raise."""
    try:
        yield
    except (OSError, HTTPError, HFValidationError) as error:
        raise BadInput(f"{asked_by}: {explained(error, name, revision, kind)}") from error
    except Exception as error:
        if is_full_disk(error):  # datasets wraps the disk's errors in its own
            raise BadInput(f"{asked_by}: {no_space(name)}") from error
        raise


def cached(name: str, revision: str | None, kind: str = "dataset") -> Path | None:
    """Return the folder of a repository that is completely in the cache, or None."""
    try:
        return local(name, revision, kind)
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def local(
    name: str, revision: str | None, kind: str, choose: Callable[[Iterable[str]], list[str]] = list
) -> Path:
    """Return the folder of a repository in the cache; LocalEntryNotFoundError if chosen files are missing.

    Other programs put single files there: what is missing is known from the list of files that a fetch keeps.
    """
    try:
        files = [file.path for file in get_cached_repo_tree(name, repo_type=kind, revision=revision)]
    except CachedRepoTreeNotFoundError as error:
        raise LocalEntryNotFoundError(str(error)) from error
    settings = {"repo_type": kind, "revision": revision, "local_files_only": True}
    return Path(snapshot_download(name, allow_patterns=choose(files), **settings))


def missing_bytes(name: str, commit: str, kind: str, sizes: Mapping[str, int | None]) -> int:
    """Return the size of those files that are not in the cache yet."""
    return sum(
        size or 0
        for path, size in sizes.items()
        if not isinstance(try_to_load_from_cache(name, path, revision=commit, repo_type=kind), str)
    )


def check_space(needed: int, what: str) -> None:
    """Raise BadInput if the cache's disk is too full for this many more bytes."""
    cache = Path(constants.HF_HUB_CACHE).absolute()
    disk = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(disk).free
    if needed > free:
        raise BadInput(
            f"{what} needs {needed / GIGABYTE:,.1f} GB more, and {disk} has {free / GIGABYTE:,.1f} GB free;"
            " point HF_HOME at a larger disk"
        )


def explained(error: BaseException, name: str, revision: str | None, kind: str) -> str:
    """Return one line on why a repository cannot be fetched, and what to do."""
    address = f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{name}"
    token = "the one of HF_TOKEN may not" if get_token() else "HF_TOKEN is not set"
    match error:
        case GatedRepoError():
            return f"{address} is gated: ask for access there, then set HF_TOKEN to your token ({token})"
        case RevisionNotFoundError():
            return f"{address} has no revision {revision}; name a commit, tag or branch, or leave it out"
        case RepositoryNotFoundError():
            return f"{address} does not exist or is private; check the name, or set HF_TOKEN ({token})"
        case DisabledRepoError():
            return f"{address} was disabled by the hub"
        case HFValidationError():
            return f"{name} is not a repository's name; give owner/name, or the path of a folder that exists"
        case LocalEntryNotFoundError() | OfflineModeIsEnabled():
            cache = constants.HF_HUB_CACHE
            return (
                f"{address} cannot be reached and is not in {cache}; fetch on a machine with network access"
            )
        case HfHubHTTPError() if error.response.status_code in (401, 403):
            return f"{address} refuses the token of HF_TOKEN, or wants one ({token})"
        case _ if is_full_disk(error):
            return no_space(name)
        case _:
            failure = f"{type(error).__name__}: {reason(error)}"
            return f"{address} cannot be fetched: {failure}; the same command resumes from there"


def no_space(name: str) -> str:
    """Return what to do when a disk is full."""
    return f"no space is left for {name} in {constants.HF_HOME}; free some, or point HF_HOME at a larger disk"


class DownloadBar(tqdm):
    """The hub client's bar of bytes, as a line on the console now and then; its other bars are not shown."""

    named = "fetch"

    def __init__(self, *arguments: Any, **settings: Any):
        self.shown_at = time.monotonic()
        shown = settings.get("desc", "").startswith("Reconstructing")
        ours = {"file": console_lines(), "disable": not shown, "desc": self.named, "bar_format": None}
        super().__init__(*arguments, **settings | ours | {"ncols": 100, "leave": False})

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Write a line, without moving the cursor as for a bar among others."""
        if msg is None and time.monotonic() - self.shown_at >= LINES_EVERY:
            self.shown_at = time.monotonic()
            self.fp.write(str(self))

    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """Keep the description."""

    def set_description_str(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """Keep the description."""
