"""Weights that params.yaml names: a folder, or a repository of the Hugging Face hub as one of its snapshots."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.core.files import sha256_file

READ = ("*.json", "*.jinja", "*.txt", "*.model", "*.safetensors")
"""What models are loaded from. Pickled weights (.bin, .pt, .ckpt) and code are never read, so they do not count."""


class Repository(NamedTuple):
    """A repository of the hub at a commit, tag or branch (None: its main branch)."""

    id: str
    revision: str | None


def repository(spec: object) -> Repository | None:
    """The repository that a section names, None where it names a folder."""
    name = getattr(spec, "hub", None)
    return Repository(name, getattr(spec, "hub_revision", None)) if name else None


def is_elsewhere(spec: object) -> bool:
    """Whether a section's weights come from the hub, and not from a folder."""
    return any(getattr(spec, name, None) for name in ("hub", "architecture"))


def problems(where: str, source: Repository, members: Iterable[str]) -> Iterator[Problem]:
    """Files that are neither in this machine's cache of the hub nor may be fetched; loads no model library."""
    from huggingface_hub import constants, try_to_load_from_cache

    if not constants.HF_HUB_OFFLINE:
        return
    for member in members:
        if not isinstance(try_to_load_from_cache(source.id, member, revision=source.revision), str):
            yield Problem(where, f"{source.id}: {member} is not in this machine's hub cache; {_fetch(source)}")


def _fetch(source: Repository) -> str:
    at = f" --revision {source.revision}" if source.revision else ""
    return f"`hf download {source.id}{at}` fetches it, or unset HF_HUB_OFFLINE"


def folder(spec: object, root: Path, patterns: Sequence[str] = READ) -> Path:
    """The folder that a section's weights lie in.

    Args:
        spec: a section with `weights`, or with `hub` and `hub_revision`.
        root: what `weights` is relative to.
        patterns: files to fetch of a repository.

    Raises:
        FieldguideError: the repository is neither in the cache nor can it be fetched.
    """
    source = repository(spec)
    return root / (getattr(spec, "weights", None) or "") if source is None else snapshot(source, patterns)


def snapshot(source: Repository, patterns: Sequence[str] = READ, without: Sequence[str] = ()) -> Path:
    """The folder of a repository in the hub's cache; fetched first unless HF_HUB_OFFLINE is 1. Raises as `folder`.

    Of the files that match `patterns` those that match `without` are not fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                source.id, revision=source.revision, allow_patterns=list(patterns), ignore_patterns=list(without)
            )
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FieldguideError(f"hub repository {source.id}: {reason}; {_fetch(source)}") from None


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file directly in a folder that a model may be loaded from, by name."""
    suffixes = {pattern.lstrip("*") for pattern in READ}
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.is_file() and Path(entry.name).suffix in suffixes)
    return {name: sha256_file(folder / name) for name in names}
