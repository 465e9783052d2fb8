"""vectors/ENCODER/{corpus,queries}: what an encoder made of photographs and queries, as data/ holds it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.records.embeddings import Embeddings, text_key

FOLDER = "vectors"
FILES = ("vectors.npy", "index.parquet", "meta.json")
_HALVES = ("corpus", "queries")
# float16 rounds each of up to some thousand coordinates; a whole row stays this near to unit length.
_LENGTH = 2e-2
_BLOCK = 1 << 14


def vector_folders(paths: Paths, encoder: str) -> dict[Path, str]:
    """Folders of data/ with their names in a release."""
    places = (paths.embeddings(encoder), paths.queries(encoder))
    return {place: f"{FOLDER}/{encoder}/{half}" for place, half in zip(places, _HALVES, strict=True)}


def write_vectors(paths: Paths, encoders: Iterable[str], folder: Path) -> None:
    """Copy the folders of every encoder; its identity is `revision` of meta.json.

    Raises:
        FieldguideError, ProblemsError: a folder is none of embeddings.
    """
    for encoder in encoders:
        for place, name in vector_folders(paths, encoder).items():
            Embeddings.open(place)
            (folder / name).mkdir(parents=True)
            for file in FILES:
                shutil.copyfile(place / file, folder / name / file)


def wrong_vectors(
    folder: Path, encoders: Iterable[str], images: Iterable[str], questions: Iterable[str]
) -> Iterator[Problem]:
    """Files that do not belong together, other images or questions than the release's, rows that are no directions.

    That the numbers are those of the encoder, only whoever has encoder and photographs can tell.

    Args:
        folder: of the release.
        encoders: those of its params.yaml.
        images: image_ids of its images.parquet.
        questions: texts of its topics.
    """
    keys = {"corpus": sorted(images), "queries": sorted({text_key(text) for text in questions})}
    expected, there = set(encoders), {path.name for path in (folder / FOLDER).glob("*")}
    for name in sorted(there ^ expected):
        what = "is missing" if name in expected else "is of an encoder that embed.encoders does not have"
        yield Problem(str(folder / FOLDER / name), what)
    for encoder in sorted(there & expected):
        identities = set()
        for half in _HALVES:
            place = folder / FOLDER / encoder / half
            try:
                opened = Embeddings.open(place)
            except ProblemsError as error:
                yield from error.problems
                continue
            except FieldguideError as error:
                yield Problem(str(place), str(error))
                continue
            identities.add((opened.meta.encoder, opened.meta.revision))
            yield from _wrong_keys(place, opened, half, keys[half])
            yield from _wrong_rows(place, opened)
        if identities and (len(identities) > 1 or next(iter(identities))[0] != encoder):
            yield Problem(str(folder / FOLDER / encoder), f"is of {', '.join(sorted(map(' '.join, identities)))}")


def _wrong_keys(place: Path, opened: Embeddings, half: str, expected: list[str]) -> Iterator[Problem]:
    """All images and nothing else; all questions or, of an encoder that takes no text, none."""
    where = str(place / "index.parquet")
    if half == "corpus" and (opened.keys("image") != expected or opened.meta.rows != len(expected)):
        yield Problem(where, "is of other images than images.parquet")
    if half == "queries" and opened.keys("question") not in ([], expected):
        yield Problem(where, "is of other questions than topics.jsonl")


def _wrong_rows(place: Path, opened: Embeddings) -> Iterator[Problem]:
    for start in range(0, opened.meta.rows, _BLOCK):
        block = np.asarray(opened.vectors[start : start + _BLOCK], dtype=np.float32)
        lengths = np.linalg.norm(block, axis=1)
        wrong = ~(np.abs(lengths - 1) <= _LENGTH)
        if wrong.any():
            row = start + int(wrong.argmax())
            yield Problem(
                str(place / "vectors.npy"), f"row {row} has the length {lengths[row - start]:.4g}; expected 1"
            )
            return


def inputs(paths: Paths, encoders: Iterable[str]) -> list[Path]:
    """Files that `write_vectors` copies."""
    return [place / file for encoder in encoders for place in vector_folders(paths, encoder) for file in FILES]
