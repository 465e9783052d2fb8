"""The files of a release as they are sent: data first, what tells that all is there last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fieldguide.core.files import sha256_file
from fieldguide.core.stores import is_own_link, repository_of
from fieldguide.publishing.release.layout import ABOUT, SUMS

LAST = (ABOUT, SUMS)
"""Sent last, in this order: where both are of one release, all of it was sent."""


@dataclass(frozen=True)
class ReleaseFile:
    """One file: its name in the release, where it lies, bytes, hex sha256."""

    name: str
    path: Path
    size: int
    sha256: str


def release_files(folder: Path) -> list[ReleaseFile]:
    """Every file in the order of sending: SHA256SUMS last, release.json before it.

    So whoever comes upon a release that is half-way there sees that it is incomplete. Links that lead out of the
    repository are left out: verifying refuses them.
    """
    home = repository_of(folder)
    last = {name: place for place, name in enumerate(LAST, 1)}
    there = [p for p in folder.rglob("*") if p.is_file() and (not p.is_symlink() or is_own_link(p, home))]
    names = {path.relative_to(folder).as_posix(): path for path in there}
    return [
        ReleaseFile(name, names[name], names[name].stat().st_size, sha256_file(names[name]))
        for name in sorted(names, key=lambda name: (last.get(name, 0), name))
    ]
