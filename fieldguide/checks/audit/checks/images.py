"""Image files: are they where the benchmark says?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fieldguide.checks.audit.finding import Observation, Place
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.core.english import counted
from fieldguide.core.files import sha256_file
from fieldguide.core.grouping import grouped


@check(
    "images.not-found",
    proves="Images that the benchmark names are not in the folder that was given, or are empty files.",
    cannot="Whether a file shows what its name says, and whether it can be decoded.",
    advice="Place the images under the names of the benchmark, or give another folder.",
    need="images",
)
def not_found(subject: AuditSubject) -> Iterator[Observation]:
    """Every image that is named, looked for below the folder; the hint names files that differ by case alone."""
    there = _files(subject.images) if subject.images else {}
    by_case = {name.casefold(): name for name in there}
    named: dict[str, str] = {}
    for pool in subject.collection.pools:
        for image in pool.labels:
            named.setdefault(image, pool.where)
    rows = []
    for image, where in named.items():
        place = _place(image)
        if place not in there:
            near = by_case.get(place.casefold())
            rows.append(Place(where, image + (f" (there is {near})" if near else "")))
        elif there[place] == 0:
            rows.append(Place(where, f"{image} is an empty file"))
    if rows:
        evidence = f"{len(rows):,} of {len(named):,} images; {len(there):,} files are there."
        yield Observation("error", "certain", f"{len(rows):,} images cannot be found", evidence, tuple(rows))


@check(
    "images.two-labels",
    proves="Files of one pool with the same bytes have different labels: one picture, one question, two labels.",
    cannot="Copies of another size or compression (near-duplicates).",
    advice="Have the picture judged again and keep one of the files.",
    need="images",
)
def two_labels(subject: AuditSubject) -> Iterator[Observation]:
    """Equal files within a pool, by sha256; only files of equal size are read."""
    if subject.images is None:
        return
    there = _files(subject.images)
    rows = []
    for pool in subject.collection.pools:
        sized = [(there.get(_place(image), 0), image) for image, label in pool.labels.items() if label is not None]
        sizes = grouped((size, image) for size, image in sized if size)
        for images in (found for found in sizes.values() if len({pool.labels[i] for i in found}) > 1):
            copies = grouped((sha256_file(subject.images / _place(image)), image) for image in images)
            rows += [
                Place(pool.where, ", ".join(f"{i} is {pool.labels[i]}" for i in same))
                for same in copies.values()
                if len({pool.labels[i] for i in same}) > 1
            ]
    if rows:
        evidence = f"{counted(len(rows), 'picture')} under several names with several labels."
        yield Observation("error", "certain", "One picture, two labels in a pool", evidence, tuple(rows))


def _place(image: str) -> str:
    """An image's path below the folder, in the form of `_files`: what leads out of it is found nowhere."""
    return PurePosixPath(image.replace("\\", "/")).as_posix()


def _files(folder: Path) -> dict[str, int]:
    """Size in bytes of each file below a folder, by its path from there. Links to folders are not followed."""
    found: dict[str, int] = {}
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in files:
            path = Path(parent) / name
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
    return found
