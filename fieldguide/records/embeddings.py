"""A folder of embeddings: vectors.npy (memory-mapped), index.parquet, meta.json. docs/data.md describes it."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_directory, content_key, read_json, sha256_bytes, write_json
from fieldguide.core.tables import Column, Table

EmbeddingKind = Literal[
    "image", "question", "phrase", "expansion", "drawing", "twin", "caption", "recomposed", "component"
]
Dtype = Literal["float16", "float32"]
DTYPES: tuple[Dtype, ...] = ("float16", "float32")
_VECTORS, _INDEX, _META = "vectors.npy", "index.parquet", "meta.json"
_HELD = 2**25
"""Vectors of so many bytes on disk or fewer are read whole, as float32."""

EMBEDDING_INDEX = Table(
    "embedding_index",
    ("kind", "key"),
    (
        Column("row", pa.int64(), "row of vectors.npy, from 0; rows are sorted by (kind, key)"),
        Column("kind", pa.string(), "what the vector is of", allowed=get_args(EmbeddingKind)),
        Column("key", pa.string(), "image_id, drawing_id, or the sha256 of a text"),
    ),
)


def text_key(text: str) -> str:
    """The key of a question or a phrase: the sha256 of its UTF-8 bytes."""
    return sha256_bytes(text.encode())


@dataclass(frozen=True)
class EmbeddingsMeta:
    """meta.json. `key` is the sha256 of all that determines the vectors: see `embeddings_key`."""

    encoder: str
    revision: str
    key: str
    dimension: int
    rows: int
    dtype: Dtype


def embeddings_key(revision: str, dtype: str, dimension: int, index: Iterable[tuple[str, str]]) -> str:
    """Key of a folder, from the encoder's revision, the stored type and the (kind, key) of its rows in order."""
    return content_key(revision=revision, dtype=dtype, dimension=dimension, index=list(index))


class Embeddings:
    """Embeddings opened for reading; many vectors stay on disk until they are asked for, few are in memory at once."""

    def __init__(
        self, folder: Path, meta: EmbeddingsMeta, index: pd.DataFrame, vectors: npt.NDArray[np.floating[Any]]
    ) -> None:
        self.folder = folder
        self.meta = meta
        self.index = index
        self.vectors = vectors

    @classmethod
    def open(cls, folder: Path) -> Embeddings:
        """Open a folder that `write_embeddings` made.

        Raises:
            FieldguideError: a file is missing or is not what its name says.
            ProblemsError: meta.json and the two other files do not belong together.
        """
        if not (folder / _META).exists():
            raise FieldguideError(f"{folder}: no embeddings here; `dvc repro` makes them")
        meta = _read_meta(folder / _META)
        index = EMBEDDING_INDEX.read(folder / _INDEX)
        try:
            vectors = np.load(folder / _VECTORS, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise FieldguideError(f"{folder / _VECTORS}: no such file; `dvc repro` makes it") from None
        except (ValueError, EOFError, OSError, SyntaxError, TokenError) as error:  # the head is a literal of Python
            raise FieldguideError(f"{folder / _VECTORS}: not a NumPy array ({error})") from None
        problems = list(_mismatches(folder, meta, index, vectors))
        if problems:
            raise ProblemsError(f"{folder}: its files do not belong together; run `dvc repro` again:", problems)
        # Searches read float32: what is small is converted once, not for every query.
        return cls(folder, meta, index, np.array(vectors, dtype=np.float32) if vectors.nbytes <= _HELD else vectors)

    def keys(self, kind: EmbeddingKind) -> list[str]:
        """Keys of one kind, in the order of their rows (sorted)."""
        return list(self._rows.get(kind, {}))

    def find(self, kind: EmbeddingKind, keys: Sequence[str]) -> npt.NDArray[np.intp]:
        """Which rows of `vectors` hold `keys`, in the order given.

        Raises:
            FieldguideError: keys that are not there, by name.
        """
        known = self._rows.get(kind, {})
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        if missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise FieldguideError(
                f"{self.folder}: encoder {self.meta.encoder} has no {kind} {shown}; "
                f"it holds {len(known)} of that kind. Run `dvc repro` so that new ones are encoded"
            )
        return np.array([known[key] for key in keys], dtype=np.intp)

    def rows(self, kind: EmbeddingKind, keys: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of `keys` in the order given: (len(keys), dimension) float32.

        Rows have unit length up to the rounding of the stored type (float16: about 5e-4).

        Raises:
            FieldguideError: as `find`.
        """
        return np.asarray(self.vectors[self.find(kind, keys)], dtype=np.float32)

    @cached_property
    def _rows(self) -> dict[str, dict[str, int]]:
        rows: dict[str, dict[str, int]] = {}
        for row, kind, key in self.index.itertuples(index=False, name=None):
            rows.setdefault(kind, {})[key] = row
        return rows


def _read_meta(path: Path) -> EmbeddingsMeta:
    values = read_json(path)
    names = {f.name for f in fields(EmbeddingsMeta)}
    if not isinstance(values, dict) or set(values) != names:
        raise FieldguideError(f"{path}: expected exactly the keys {', '.join(sorted(names))}")
    return EmbeddingsMeta(**values)


def _mismatches(
    folder: Path, meta: EmbeddingsMeta, index: pd.DataFrame, vectors: npt.NDArray[np.floating[Any]]
) -> Iterable[Problem]:
    shape = (meta.rows, meta.dimension)
    if vectors.shape != shape or str(vectors.dtype) != meta.dtype:
        yield Problem(str(folder / _VECTORS), f"is {vectors.dtype} {vectors.shape}; {_META} says {meta.dtype} {shape}")
    if index["row"].tolist() != list(range(meta.rows)):
        yield Problem(str(folder / _INDEX), f"`row` does not count from 0 to {meta.rows - 1} (`rows` of {_META})")
    pairs = zip(index["kind"], index["key"], strict=True)
    if embeddings_key(meta.revision, meta.dtype, meta.dimension, pairs) != meta.key:
        yield Problem(str(folder / _META), f"`key` is not that of its revision, dtype, dimension and {_INDEX}")


def forget_pages(vectors: npt.NDArray[np.floating[Any]]) -> None:
    """Let go of the pages of memory-mapped vectors, which lie in their file and need not count as this process's."""
    mapped = getattr(vectors, "_mmap", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


def write_embeddings(
    folder: Path,
    keys: Sequence[tuple[str, str]],
    blocks: Iterable[tuple[npt.NDArray[np.intp], npt.NDArray[np.floating[Any]]]],
    *,
    encoder: str,
    revision: str,
    dtype: Dtype,
    dimension: int,
) -> EmbeddingsMeta:
    """Write a folder atomically, streaming: only one block is in memory at a time.

    Args:
        folder: takes the place of what is there.
        keys: (kind, key) of the rows, sorted, each once.
        blocks: (rows, vectors): positions in `keys`, and their vectors (len(rows), dimension).
        encoder: name in params.yaml.
        revision: the encoder's.
        dtype: of the file.
        dimension: of the vectors.

    Raises:
        ValueError: `keys` are not sorted and unique, or a row is given never or more than once.
    """
    if list(keys) != sorted(set(keys)):
        raise ValueError("keys must be sorted, each once")
    pairs = list(keys)
    meta = EmbeddingsMeta(
        encoder, revision, embeddings_key(revision, dtype, dimension, pairs), dimension, len(pairs), dtype
    )
    written = np.zeros(len(pairs), dtype=np.int64)
    with atomic_directory(folder) as temporary:
        vectors = np.lib.format.open_memmap(  # type: ignore[no-untyped-call]
            temporary / _VECTORS, mode="w+", dtype=np.dtype(dtype), shape=(len(pairs), dimension)
        )
        for rows, block in blocks:
            vectors[rows] = block
            written[rows] += 1
            vectors._mmap.madvise(
                mmap.MADV_DONTNEED
            )  # written pages are the file's, and need not count as this process's
        if (written != 1).any():
            raise ValueError(f"row {int((written != 1).argmax())} of {folder} was not given exactly once")
        vectors.flush()
        index = pd.DataFrame(
            {"row": range(len(pairs)), "kind": [kind for kind, _ in pairs], "key": [key for _, key in pairs]}
        )
        EMBEDDING_INDEX.write(temporary / _INDEX, index)
        write_json(temporary / _META, asdict(meta))
    return meta
