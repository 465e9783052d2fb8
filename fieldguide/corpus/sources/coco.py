"""COCO, as iNaturalist's competitions have it: a JSON of images, annotations, categories and licences."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.corpus.sources.candidates import Say, SourceImage
from fieldguide.corpus.sources.cells import RowCells, UnusableError, licence_of, plain_value
from fieldguide.corpus.sources.json_lists import json_lists
from fieldguide.corpus.sources.parts import Part, listed_parts
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import PixelVerdict

_LISTS = ("images", "annotations", "categories", "licenses")
_UNKNOWN, _BARE = (
    "images name a license that the JSON does not describe: none is stated for them",
    "images have no annotation and show no entity",
)
_MOST = 1000
"""Problems after which nothing more is looked for."""
_SHOWN = 12
_KEYS = {"path": "file_name", "key": "file_name", "attribution": "rights_holder"}
"""What the roles of SourceColumns are called, where `columns` does not say."""
_FOLDER = re.compile(r"\d+_([^_]+(?:_[^_]+){5})_([^_]+.*)")
"""Number, six ranks, epithet: how iNaturalist's folders of species are called."""


def split_coco(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of the images that the JSON lists: some of them each.

    Raises:
        FieldguideError: not JSON, or none of images.
        ProblemsError: items that cannot be read, and categories that cannot be told apart.
    """
    return listed_parts(source, ((image.name, image) for image in list_coco(source, path, say)))


def list_coco(source: ImageSource, path: Path, say: Say = lambda _: None) -> Iterator[SourceImage]:
    """Every image that the JSON lists with its labels, without its photograph.

    The file is read twice: what is said of images may stand behind them, and the images are not kept in memory.

    Raises:
        FieldguideError, ProblemsError: as `split_coco`.
    """
    said = _Said.read(source, path)
    images = (item for key, item in json_lists(path) if key == "images")
    for number, item in enumerate(images):
        yield said.image(number, item)
    said.tell(say)


@dataclass
class _Said:
    """What the file says beside its images.

    Attributes:
        labels: of categories, by id.
        licences: by id; None: none is granted.
        shown: categories by image: one, or a set of several.
        problems: items that cannot be read.
        counts: of items by their lists, and of what is told at the end.
    """

    source: ImageSource
    labels: dict[Any, Any] = field(default_factory=dict)
    licences: dict[Any, str | None] = field(default_factory=dict)
    shown: dict[Any, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, source: ImageSource, path: Path) -> _Said:
        """All that the file says, but of single images.

        Raises:
            FieldguideError, ProblemsError: as `split_coco`.
        """
        said = cls(source)
        for key, item in json_lists(path):
            said.counts[key] += 1
            try:
                said._take(key, item)
            except UnusableError as error:
                said.problems.append(Problem(f"{path}: {key}: item {said.counts[key]:,}", str(error)))
            if len(said.problems) >= _MOST:
                break
        if not said.counts["images"] and not said.problems:
            raise FieldguideError(f"{path}: source {source.name!r}: lists no `images`; expected {', '.join(_LISTS)}")
        said.problems += said._ambiguous(path)
        if said.problems:
            raise ProblemsError(f"source {source.name!r} cannot be read:", said.problems)
        return said

    def _take(self, key: str, item: Any) -> None:
        if key in _LISTS and not isinstance(item, dict):
            raise UnusableError(f"is of type {type(item).__name__}; expected an object")
        if key == "licenses":
            name, address = _value("name", item), _value("url", item)
            self.licences[_id(item, "id")] = licence_of(str(name or ""), str(address or ""))
        elif key == "categories" and self.source.entities is not None:
            self.labels[_id(item, "id")] = _label(self.source.columns.entity or "name", item)
        elif key == "annotations" and self.source.entities is not None:
            image, category = _id(item, "image_id"), _id(item, "category_id")
            before = self.shown.setdefault(image, category)
            if before != category:
                self.shown[image] = {*(before if isinstance(before, set) else (before,)), category}

    def _ambiguous(self, path: Path) -> Iterator[Problem]:
        """Categories that would become one entity."""
        ids = defaultdict[str, list[str]](list)
        for number, label in self.labels.items():
            ids[str(label)].append(str(number))
        for label, several in sorted(ids.items()):
            if len(several) > 1:
                what = f"are all called {label!r}; name a key that tells them apart in columns.entity, such as id"
                yield Problem(f"{path}: categories {', '.join(several[:_SHOWN])}", what)

    def image(self, number: int, item: dict[str, Any]) -> SourceImage:
        """An image with its labels, or why it cannot be used."""
        cells: dict[str, Any] = {}
        refusal = None
        try:
            for role in ("path", "key", "split", "attribution"):
                cells[role] = _value(getattr(self.source.columns, role) or _KEYS.get(role), item)
            cells["licence"] = self._licence(item)
            cells["entity"] = self._entity(item)
        except UnusableError as error:
            refusal = PixelVerdict(error.reason, str(error))
        row = RowCells(number, cells)
        name = row.text("path")
        if name is None:
            refusal = refusal or PixelVerdict("unreadable", "the JSON gives no name of a file")
        return row.candidate(name, name or "", b"", refusal)

    def _licence(self, item: dict[str, Any]) -> Any:
        if self.source.columns.licence is not None:
            return licence_of(str(_value(self.source.columns.licence, item) or ""))
        number = _value("license", item)
        self.counts[_UNKNOWN] += number is not None and number not in self.licences
        return self.licences.get(number)

    def _entity(self, item: dict[str, Any]) -> Any:
        if self.source.entities is None:
            return None
        shown = self.shown.get(_id(item, "id"))
        self.counts[_BARE] += shown is None
        if isinstance(shown, set):
            names = ", ".join(sorted(str(self.labels.get(one, one)) for one in shown)[:_SHOWN])
            raise UnusableError(f"shows several categories ({names}); a photograph shows one entity", "contradictory")
        if shown is not None and shown not in self.labels:
            raise UnusableError(f"is of category {shown!r}, which the JSON does not describe")
        return self.labels.get(shown)

    def tell(self, say: Say) -> None:
        """What a curator should know of the file."""
        others = sorted(key for key in self.counts if key not in (*_LISTS, _UNKNOWN, _BARE))
        if others:
            say(f"source {self.source.name}: lists not used: {', '.join(others)}")
        for what in (_UNKNOWN, _BARE):
            if self.counts[what]:
                say(f"source {self.source.name}: {self.counts[what]:,} {what}")
        lost = len(self.shown) - (self.counts["images"] - self.counts[_BARE])
        if self.source.entities is not None and lost > 0:
            say(f"source {self.source.name}: {lost:,} images have annotations and are not listed")


def _value(column: str | None, item: dict[str, Any]) -> Any:
    return None if column is None else plain_value(f"its {column!r}", item.get(column))


def _id(item: dict[str, Any], key: str) -> int | str:
    found = item.get(key)
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise UnusableError(f"has no {key} that is a number or text")
    return found


def _label(column: str, item: dict[str, Any]) -> Any:
    found = _value(column, item)
    if found is None or found == "":
        raise UnusableError(f"has no {column!r}; columns.entity names the key that all categories have")
    folder = species_of_folder(str(found))
    return folder[1] if folder else found


def species_of_folder(name: str) -> tuple[tuple[str, ...], str] | None:
    """Kingdom, phylum, class, order, family and genus, and the species, of a folder called as iNaturalist's are."""
    found = _FOLDER.fullmatch(name)
    if found is None:
        return None
    ranks = tuple(found[1].split("_"))
    return ranks, f"{ranks[-1]} {found[2].replace('_', ' ')}"
