"""Looking at somebody's photographs: which sources they are, and what they seem to show. Nothing is decoded."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fieldguide.core.english import counted
from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.ingest.labels import Labels
from fieldguide.corpus.sources.candidates import is_leftover
from fieldguide.corpus.sources.reading import list_source
from fieldguide.corpus.sources.section import ImageSource

_SPLITS = {
    "train": "train", "training": "train",
    "gallery": "gallery", "test": "gallery", "testing": "gallery", "val": "gallery", "valid": "gallery",
    "validation": "gallery",
}  # fmt: skip
TRAIN_SHARES = (0.3, 0.4, 0.5)
"""Of photographs without splits: entities are grouped by their train photographs, and the rest is searched. The first
that leaves no entity without one."""


@dataclass
class Found:
    """What there is.

    Attributes:
        sources: proposed sections of `ingest.sources`.
        names: of entities, by their ids: folders' names, made readable.
        counts: photographs by entity id and split.
        bare: photographs that lie in no folder, and so show no entity.
        unlicensed: sources with photographs of which nobody states a licence.
        nameless: labels without a letter or digit of an entity id.
    """

    sources: list[ImageSource] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    bare: int = 0
    unlicensed: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)

    @property
    def without_train(self) -> list[str]:
        """Entities that no photograph of the train split shows."""
        return [entity for entity in sorted(self.names) if not self.counts[entity, "train"]]


def take(folder: Path, to: Path) -> list[str]:
    """Bring photographs into the project: as hard links where that can be, so that they take no place twice.

    Regular files only, and not what programs leave beside photographs. Links are not followed: one can lead anywhere.

    Returns:
        What was left, by its path in `folder`.

    Raises:
        FieldguideError: `folder` is none, or `to` lies in it.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "no such folder"
        raise FieldguideError(f"{folder}: {what}; expected one whose folders are named after what they show")
    if to.resolve().is_relative_to(folder.resolve()):
        raise FieldguideError(f"{folder}: the new folder would lie in it; make the benchmark somewhere else")
    left: list[str] = []
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        links = [name for name in folders if (here / name).is_symlink()]
        leftovers = [name for name in folders if is_leftover(name)]
        left += [(here / name).relative_to(folder).as_posix() for name in sorted({*links, *leftovers})]
        folders[:] = sorted(set(folders) - {*links, *leftovers})
        for name in sorted(files):
            path = here / name
            if is_leftover(name) or not stat.S_ISREG(path.lstat().st_mode):
                left.append(path.relative_to(folder).as_posix())
                continue
            target = to / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(path, target)
    return left


def take_listed(manifest: Path, to: Path) -> list[str]:
    """Bring a manifest and the photographs that it names, relative to itself, into the project.

    Returns:
        What was left, as the manifest names it: what is no file, a link, or lies outside the manifest's folder.

    Raises:
        FieldguideError: there is no such table, or it has no paths.
    """
    if not manifest.is_file():
        what = "is no file" if manifest.exists() else "no such file"
        raise FieldguideError(f"{manifest}: {what}; expected a CSV with a column `path`")
    home, left = manifest.parent.resolve(), []
    source = ImageSource(name="m", kind="manifest", path=manifest.absolute())
    for name in dict.fromkeys(item.name for item in list_source(source, Path()) if item.name):
        path = home / name
        inside = path.resolve().is_relative_to(home) and ".." not in Path(name).parts
        if not inside or not path.is_file() or path.is_symlink():
            left.append(name)
            continue
        target = to / path.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _link_or_copy(path, target)
    shutil.copyfile(manifest, to / manifest.name)
    return left


def look_listed(root: Path, manifest: Path, name: str) -> Found:
    """As `look`, of a manifest that says itself which photograph shows what, and in which split."""
    source = ImageSource(name=name, kind="manifest", path=manifest)
    own = {candidate.split for candidate in list_source(source, root)}
    splits = {split: _SPLITS[split.lower()] for split in own if split and split.lower() in _SPLITS}
    source = source.model_copy(update={"splits": dict(sorted(splits.items()))})
    return _divided([source], root) if None in own else count_shown([source], root)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def look(root: Path, place: Path, name: str) -> Found:
    """Propose sources for the folder `place` (relative to `root`), and count what they show."""
    inner = sorted(path.name for path in (root / place).iterdir() if path.is_dir() and not path.name.startswith("."))
    if inner and all(folder.lower() in _SPLITS for folder in inner):
        sources = [
            ImageSource.model_validate(
                {"name": f"{name}-{folder.lower()}", "kind": "folder", "path": place / folder,
                 "split": _SPLITS[folder.lower()]}
            )
            for folder in inner
        ]  # fmt: skip
        return count_shown(sources, root)
    return _divided([ImageSource(name=name, kind="folder", path=place)], root)


def _divided(sources: list[ImageSource], root: Path) -> Found:
    """With the first share of train photographs that leaves no entity without one."""
    tried = []
    for share in TRAIN_SHARES:
        tried.append(count_shown([source.model_copy(update={"train_share": share}) for source in sources], root))
        if not tried[-1].without_train:
            return tried[-1]
    return tried[0]


def count_shown(sources: list[ImageSource], root: Path) -> Found:
    """What these sources show. Of tars nothing: they can only be read from front to back."""
    found = Found(sources)
    for source in sources:
        _count(source, root, found)
    return found


def _count(source: ImageSource, root: Path, found: Found) -> None:
    labels = Labels(source)
    for candidate in list_source(source, root):
        entity, split = labels.resolve(candidate)
        if not candidate.licence:
            found.unlicensed.add(source.name)
        if entity == "":
            found.nameless.add(candidate.entity or "")
            continue
        if entity is None or candidate.entity is None:
            found.bare += 1
            continue
        name = _readable(candidate.entity) if source.kind == "folder" else candidate.entity
        found.names.setdefault(entity, "".join(c for c in " ".join(name.split()) if c.isprintable())[:200])
        found.counts[entity, split] += 1


def _readable(folder: str) -> str:
    """`herring-gull`, `Herring_Gull` -> with blanks; the hyphen of `Black-necked swan` stays."""
    return re.sub(r"_+" if " " in folder else r"[_-]+", " ", folder)


def remarks(found: Found, fewest: int = 3) -> Iterator[str]:
    """What somebody should know who begins with these photographs."""
    photographs = sum(found.counts.values())
    every = photographs + found.bare
    if not every and not found.nameless:
        yield "no photograph was found: put them into the project, or begin again with --from or --manifest"
        return
    yield f"{counted(every, 'photograph')}, {counted(len(found.names), 'entity', 'entities')}"
    if found.nameless:
        some = ", ".join(sorted(found.nameless)[:12])
        yield f"no entity id (a-z, 0-9) can be made of these labels: {some}; map them under `entities` of the source"
    if found.bare:
        yield f"{found.bare} have no label and show no entity: distractors"
    if found.without_train:
        some = ", ".join(found.without_train)
        yield f"no photograph of the train split, and so in no group of entities to compare: {some}"
    few = [e for e in sorted(found.names) if found.counts[e, "gallery"] < fewest]
    if few:
        yield f"fewer than {fewest} photographs in the gallery (check.min_relevant): {', '.join(few)}"
