"""Drawings of phrases: each made once, kept under the sha256 of all that determines it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from fieldguide.corpus import open_image
from fieldguide.errors import FieldguideError, Problem, ProblemsError
from fieldguide.files import atomic_directory, atomic_open, content_key, read_member, write_tar
from fieldguide.models import Generator, Refused
from fieldguide.params import Visualize
from fieldguide.places import Places
from fieldguide.progress import Track, silent
from fieldguide.records import DRAWINGS, Phrase

_SHARD = "drawings.tar"


@dataclass(frozen=True)
class Wanted:
    """A drawing that the benchmark asks for; `drawing_id` is a sha256 over all that determines its pixels."""

    drawing_id: str
    prompt: str
    purpose: Literal["topic", "generic"]
    index: int
    seed: int


@dataclass(frozen=True)
class Summary:
    """How many drawings were made now, were there already, and failed."""

    drawn: int
    cached: int
    failed: int

    def __str__(self) -> str:
        return f"{self.drawn} drawn now, {self.cached} drawn before, {self.failed} failed"


def drawing_seed(seed: int, prompt: str, index: int) -> int:
    """Seed of one drawing, 0..2**63-1. It depends on no other prompt, so that adding one changes no drawing."""
    return int(content_key(seed=seed, prompt=prompt, index=index)[:16], 16) >> 1


def wanted_drawings(phrases: Sequence[Phrase], values: Visualize, generator: Generator) -> list[Wanted]:
    """All drawings of the phrases and of the generic prompts, each prompt once, sorted by drawing_id.

    Raises:
        ProblemsError: a generic prompt occurs twice, or is a topic's phrase too.
    """
    topics = sorted({phrase.text for phrase in phrases})
    problems = list(_generic_problems(values.generic_prompts, topics))
    if problems:
        raise ProblemsError("drawings of generic prompts have to be apart from those of topics:", problems)
    purposes: dict[str, Literal["topic", "generic"]] = dict.fromkeys(topics, "topic")
    purposes |= dict.fromkeys(values.generic_prompts, "generic")
    wanted = []
    for prompt, purpose in purposes.items():
        for index in range(values.images):
            seed = drawing_seed(values.seed, prompt, index)
            determined = {"prompt": prompt, "revision": generator.revision, "seed": seed}
            key = content_key(settings=dict(generator.settings), **determined)
            wanted.append(Wanted(key, prompt, purpose, index, seed))
    return sorted(wanted, key=lambda drawing: drawing.drawing_id)


def _generic_problems(prompts: Sequence[str], topics: Sequence[str]) -> Iterator[Problem]:
    for n, prompt in enumerate(prompts):
        where = f"params.yaml: visualize.generic_prompts.{n}"
        if prompt in topics:
            yield Problem(where, f"{prompt!r} is a topic's phrase too; choose another prompt")
        if prompt in prompts[:n]:
            yield Problem(where, f"{prompt!r} occurs twice")


def draw_all(
    phrases: Sequence[Phrase], values: Visualize, generator: Generator, places: Places, track: Track = silent
) -> Summary:
    """Make what is missing and write data/drawings/.

    Each drawing goes into the cache as soon as its batch is done; a run that was killed goes on from there and ends
    with the same bytes. What could not be drawn is recorded with the reason, and tried again by the next run.

    Raises:
        ProblemsError: as `wanted_drawings`.
    """
    wanted = wanted_drawings(phrases, values, generator)
    cache = DrawingCache(places.cache / "drawings")
    missing = [drawing for drawing in wanted if cache.get(drawing.drawing_id) is None]
    refused: dict[str, str] = {}
    batches = [missing[start : start + values.batch] for start in range(0, len(missing), values.batch)]
    for batch in track(batches, "drawing", unit="batches", total=len(batches)):
        made = generator.draw([drawing.prompt for drawing in batch], [drawing.seed for drawing in batch])
        for drawing, result in zip(batch, made, strict=True):
            if isinstance(result, Refused):
                refused[drawing.drawing_id] = result.reason
            else:
                cache.put(drawing.drawing_id, result)
    _write(wanted, refused, cache, generator, places)
    return Summary(len(missing) - len(refused), len(wanted) - len(missing), len(refused))


class DrawingCache:
    """PNG files by drawing_id, in a folder for each first two digits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, drawing_id: str) -> bytes | None:
        """The PNG, or None where there is none or it is damaged."""
        try:
            data = self._path(drawing_id).read_bytes()
            # verify compares every chunk's checksum and leaves the image unusable; load decodes the pixels.
            Image.open(io.BytesIO(data)).verify()
            Image.open(io.BytesIO(data)).load()
        except (OSError, SyntaxError, ValueError):  # Pillow reports a broken PNG as any of these
            return None
        return data

    def require(self, drawing_id: str) -> bytes:
        """The PNG of a drawing that was made.

        Raises:
            FieldguideError: it is no longer there.
        """
        data = self.get(drawing_id)
        if data is None:
            raise FieldguideError(f"{self._path(drawing_id)}: removed or damaged while drawing; run the stage again")
        return data

    def put(self, drawing_id: str, image: Image.Image) -> None:
        """Keep a drawing. The PNG carries nothing but pixels: equal drawings give equal bytes."""
        encoded = io.BytesIO()
        Image.frombytes("RGB", image.size, image.convert("RGB").tobytes()).save(encoded, "PNG", compress_level=6)
        with atomic_open(self._path(drawing_id), "wb") as stream:
            stream.write(encoded.getvalue())

    def _path(self, drawing_id: str) -> Path:
        return self.folder / drawing_id[:2] / f"{drawing_id}.png"


def _write(
    wanted: list[Wanted], refused: dict[str, str], cache: DrawingCache, generator: Generator, places: Places
) -> None:
    """Table and tar take the place of the old ones together."""
    made = [drawing.drawing_id for drawing in wanted if drawing.drawing_id not in refused]
    with atomic_directory(places.drawings.parent) as folder:
        members = ((f"{drawing_id}.png", cache.require(drawing_id)) for drawing_id in made)
        placed = dict(zip(made, write_tar(folder / _SHARD, members), strict=True))
        rows: list[dict[str, Any]] = []
        for drawing in wanted:
            where = placed.get(drawing.drawing_id)
            rows.append(
                {
                    "drawing_id": drawing.drawing_id,
                    "prompt": drawing.prompt,
                    "purpose": drawing.purpose,
                    "index": drawing.index,
                    "seed": drawing.seed,
                    "generator": generator.name,
                    "revision": generator.revision,
                    "status": "ok" if where else "failed",
                    "reason": refused.get(drawing.drawing_id),
                    "shard": _SHARD if where else None,
                    "offset": where.offset if where else None,
                    "size": where.size if where else None,
                }
            )
        DRAWINGS.write(folder / places.drawings.name, DRAWINGS.frame(rows))


def failures(places: Places) -> Counter[str]:
    """Reasons of failed drawings with their numbers."""
    table = DRAWINGS.read(places.drawings)
    return Counter(table.loc[table["status"] == "failed", "reason"])


def read_drawings(places: Places) -> Iterator[tuple[Any, Image.Image]]:
    """(row of records.DRAWINGS as a named tuple, RGB image) of each drawing that was made, sorted by drawing_id.

    Raises:
        FieldguideError: data/drawings/ is missing or damaged.
    """
    table = DRAWINGS.read(places.drawings)
    row: Any
    for row in table[table["status"] == "ok"].itertuples(index=False, name="DrawingRow"):
        shard = places.drawings.parent / Path(row.shard).name
        yield row, open_image(read_member(shard, int(row.offset), int(row.size)))
