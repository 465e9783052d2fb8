"""Vectors already computed, by the sha256 of what they are of: nothing is encoded twice, a kill loses one part."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, content_key

Vectors = npt.NDArray[np.floating[Any]]


class _Place(NamedTuple):
    part: Path
    row: int


class VectorCache:
    """Part files in one folder, each a .npz (never pickled) of `ids` (n,) and `vectors` (n, dimension).

    One folder is for one encoder revision, modality and stored type. Parts are written whole or not at all and
    never changed; one id in two parts (a kill between merging and removing) has the same vector in both.
    The caller holds the folder's lock.
    """

    def __init__(self, folder: Path, dimension: int, dtype: str) -> None:
        self._folder = folder
        self._dimension = dimension
        self._dtype = np.dtype(dtype)
        self._places: dict[str, _Place] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for part in self._parts():
            self._learn(part, self._read(part, "ids").tolist())

    def __contains__(self, id_: str) -> bool:
        return id_ in self._places

    def __len__(self) -> int:
        return len(self._places)

    def put(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store vectors as one new part.

        Raises:
            ValueError: shape or type is not that of the folder.
        """
        if vectors.shape != (len(ids), self._dimension) or vectors.dtype != self._dtype:
            raise ValueError(f"{vectors.dtype} {vectors.shape} for {len(ids)} ids of {self._dtype} {self._dimension}")
        part = self._folder / f"{content_key(ids=list(ids))[:32]}.npz"
        with atomic_open(part, "wb") as stream:
            np.savez(stream, ids=np.array(ids, dtype=np.str_), vectors=vectors)
        self._learn(part, list(ids))

    def blocks(self, ids: Sequence[str]) -> Iterator[tuple[npt.NDArray[np.intp], Vectors]]:
        """(positions in `ids`, their vectors), one part in memory at a time; each position once.

        Raises:
            KeyError: an id is not stored.
        """
        wanted: dict[Path, list[tuple[int, int]]] = {}
        for position, id_ in enumerate(ids):
            part, row = self._places[id_]
            wanted.setdefault(part, []).append((position, row))
        for part in sorted(wanted):
            positions, rows = np.array(wanted[part], dtype=np.intp).T
            yield positions, self._read(part, "vectors")[rows]

    def compact(self, parts: int, rows: int) -> None:
        """If there are more than `parts` parts, merge those of fewer than `rows` rows into parts of about that size."""
        by_part: dict[Path, list[str]] = {}
        for id_, place in self._places.items():
            by_part.setdefault(place.part, []).append(id_)
        small = sorted(part for part, ids in by_part.items() if len(ids) < rows)
        if len(by_part) <= parts or len(small) < 2:
            return
        ids: list[str] = []
        vectors: list[Vectors] = []
        for part in small:
            ids += by_part[part]
            vectors.append(self._read(part, "vectors")[[self._places[id_].row for id_ in by_part[part]]])
            if len(ids) >= rows or part == small[-1]:
                self.put(ids, np.concatenate(vectors))
                ids, vectors = [], []
        in_use = {place.part for place in self._places.values()}
        for part in small:
            if part not in in_use:
                part.unlink()

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9a-f]*.npz"))

    def _learn(self, part: Path, ids: list[str]) -> None:
        self._places.update((id_, _Place(part, row)) for row, id_ in enumerate(ids))

    def _read(self, part: Path, name: str) -> npt.NDArray[Any]:
        with (
            suppress(ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile),
            np.load(part, allow_pickle=False) as arrays,
        ):
            array: npt.NDArray[Any] = arrays[name]
            good = array.ndim == 1 if name == "ids" else array.shape[1:] == (self._dimension,)
            if good and (name == "ids" or array.dtype == self._dtype):
                return array
        raise FieldguideError(f"{part}: this cached part is damaged; remove the file and run again") from None
