"""Drawings of phrases: each made once, kept under the sha256 of all that determines it."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import (
    TarMember,
    atomic_directory,
    atomic_open,
    content_key,
    read_member,
    sha256_bytes,
    write_tar,
)
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.references import References, read_references
from fieldguide.models.loading.protocols import ConditionedGenerator, Generator, Refused
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.records.drawings import DRAWING_REFERENCES, DRAWINGS
from fieldguide.records.topics import Phrase

_SHARD = "drawings.tar"
_STYLES = {"photograph": "a photo of", "sketch": "a pencil sketch of", "painting": "an oil painting of"}
_STYLED = re.compile(r"^(an?\s+)?(photo|photograph|picture|image|drawing|sketch|painting)\s+of\s+", re.IGNORECASE)


Purpose = Literal["topic", "generic", "twin"]


@dataclass(frozen=True)
class WantedDrawing:
    """A drawing that the benchmark asks for; `drawing_id` is a sha256 over all that determines its pixels.

    `prompt` is the phrase or generic prompt, `said` what the generator is told: with the style, where there is one.
    A twin's prompt is a caption. `references` are image_ids of the photographs that it looks at.
    """

    drawing_id: str
    prompt: str
    said: str
    purpose: Purpose
    index: int
    seed: int
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrawingSummary:
    """How many drawings were made now, were there already, and failed."""

    drawn: int
    cached: int
    failed: int

    def __str__(self) -> str:
        return f"{self.drawn} drawn now, {self.cached} drawn before, {self.failed} failed"


def drawing_seed(seed: int, prompt: str, index: int) -> int:
    """Seed of one drawing, 0..2**63-1. It depends on no other prompt, so that adding one changes no drawing."""
    return int(content_key(seed=seed, prompt=prompt, index=index)[:16], 16) >> 1


def wanted_drawings(
    phrases: Sequence[Phrase], values: Visualize, generator: Generator, references: References | None = None
) -> list[WantedDrawing]:
    """All drawings of the phrases and of the generic prompts, each prompt once, sorted by drawing_id.

    A style changes no seed: the drawings of two styles begin with the same noise. Generic prompts have no references.

    Raises:
        ProblemsError: a generic prompt occurs twice, or is a topic's phrase too.
    """
    topics = sorted({phrase.text for phrase in phrases})
    problems = list(_generic_problems(values.generic_prompts, topics))
    if problems:
        raise ProblemsError("drawings of generic prompts have to be apart from those of topics:", problems)
    purposes: dict[str, Purpose] = dict.fromkeys(topics, "topic")
    purposes |= dict.fromkeys(values.generic_prompts, "generic")
    wanted = []
    for prompt, purpose in purposes.items():
        shown = references.of(prompt) if references and purpose == "topic" else None
        wanted += [wanted_drawing(prompt, purpose, n, values, generator, shown) for n in range(values.images)]
    return sorted(wanted, key=lambda drawing: drawing.drawing_id)


def wanted_drawing(
    prompt: str,
    purpose: Purpose,
    index: int,
    values: Visualize,
    generator: Generator,
    references: tuple[str, ...] | None = None,
) -> WantedDrawing:
    """One drawing of a prompt; `references` are image_ids of the photographs that the generator is shown, if it is."""
    said, seed = styled(prompt, values.style), drawing_seed(values.seed, prompt, index)
    determined: dict[str, Any] = {"prompt": said, "revision": generator.revision, "seed": seed}
    if references is not None:
        determined["references"] = references
    key = content_key(settings=dict(generator.settings), **determined)
    return WantedDrawing(key, prompt, said, purpose, index, seed, references or ())


def styled(prompt: str, style: str | None) -> str:
    """The prompt as that style words it; a style that the prompt begins with makes way for it."""
    if style is None:
        return prompt
    return f"{_STYLES[style]} {_STYLED.sub('', prompt)}"


def _generic_problems(prompts: Sequence[str], topics: Sequence[str]) -> Iterator[Problem]:
    for n, prompt in enumerate(prompts):
        where = f"params.yaml: visualize.generic_prompts.{n}"
        if prompt in topics:
            yield Problem(where, f"{prompt!r} is a topic's phrase too; choose another prompt")
        if prompt in prompts[:n]:
            yield Problem(where, f"{prompt!r} occurs twice")


def draw_all(
    phrases: Sequence[Phrase], values: Visualize, generator: Generator, paths: Paths, track: Track = silent
) -> DrawingSummary:
    """Make what is missing and write data/drawings/.

    Each drawing goes into the cache as soon as its batch is done; a run that was killed goes on from there and ends
    with the same bytes. What could not be drawn is recorded with the reason, and tried again by the next run. A drawing
    with the pixels of another one of its prompt has failed too: it would count twice what was drawn once.

    Raises:
        ProblemsError: as `wanted_drawings`, and as `read_references` where the generator looks at photographs.
    """
    references: References | None = None
    if isinstance(generator, ConditionedGenerator):
        references = read_references(paths, phrases, generator.references)
    wanted = wanted_drawings(phrases, values, generator, references)
    return draw_wanted(wanted, generator, paths, paths.drawings, values.batch, references, track)


def draw_wanted(
    wanted: list[WantedDrawing],
    generator: Generator,
    paths: Paths,
    table: Path,
    batch: int,
    references: References | None = None,
    track: Track = silent,
) -> DrawingSummary:
    """Make what is missing and write `table` with the tar beside it; what else lies in its folder is removed.

    See `draw_all`.
    """
    cache = DrawingCache(paths.cache / "drawings")
    missing = [drawing for drawing in wanted if cache.get(drawing.drawing_id) is None]
    refused: dict[str, str] = {}
    batches = [missing[start : start + batch] for start in range(0, len(missing), batch)]
    for chosen in track(batches, "drawing", unit="batches", total=len(batches)):
        for drawing, result in zip(chosen, _drawn(chosen, generator, references), strict=True):
            if isinstance(result, Refused):
                refused[drawing.drawing_id] = result.reason
            else:
                cache.put(drawing.drawing_id, result)
    refused |= _copies([drawing for drawing in wanted if drawing.drawing_id not in refused], cache)
    _write(wanted, refused, cache, generator, paths, table)
    drawn = sum(drawing.drawing_id not in refused for drawing in missing)
    return DrawingSummary(drawn, len(wanted) - len(refused) - drawn, len(refused))


def _drawn(
    batch: Sequence[WantedDrawing], generator: Generator, references: References | None
) -> list[Image.Image | Refused]:
    """Drawings of topics look at photographs where the generator does; those of generic prompts never do."""
    if references is None or not isinstance(generator, ConditionedGenerator):
        return generator.draw([drawing.said for drawing in batch], [drawing.seed for drawing in batch])
    made: dict[str, Image.Image | Refused] = {}
    generic = [drawing for drawing in batch if drawing.purpose == "generic"]
    topics = [drawing for drawing in batch if drawing.purpose == "topic"]
    if generic:
        alone = generator.draw([drawing.said for drawing in generic], [drawing.seed for drawing in generic])
        made |= dict(zip((drawing.drawing_id for drawing in generic), alone, strict=True))
    if topics:
        photographs = [references.photographs(drawing.prompt) for drawing in topics]
        like = generator.draw_like([d.said for d in topics], [d.seed for d in topics], photographs)
        made |= dict(zip((drawing.drawing_id for drawing in topics), like, strict=True))
    return [made[drawing.drawing_id] for drawing in batch]


def _copies(made: Sequence[WantedDrawing], cache: DrawingCache) -> dict[str, str]:
    """Drawings that are copies of one of the same prompt with a lower index, with the reason."""
    first: dict[tuple[str, str], int] = {}
    copies = {}
    for drawing in sorted(made, key=lambda drawing: (drawing.prompt, drawing.index)):
        pixels = sha256_bytes(cache.require(drawing.drawing_id))
        index = first.setdefault((drawing.prompt, pixels), drawing.index)
        if index != drawing.index:
            copies[drawing.drawing_id] = f"a copy of drawing {index} of this prompt: the generator ignores its seed"
    return copies


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
    wanted: list[WantedDrawing],
    refused: dict[str, str],
    cache: DrawingCache,
    generator: Generator,
    paths: Paths,
    table: Path,
) -> None:
    """Tables and tar take the place of the old ones together."""
    made = [drawing.drawing_id for drawing in wanted if drawing.drawing_id not in refused]
    with atomic_directory(table.parent) as folder:
        members = ((f"{drawing_id}.png", cache.require(drawing_id)) for drawing_id in made)
        placed = dict(zip(made, write_tar(folder / _SHARD, members), strict=True))
        rows = [_row(drawing, generator, placed.get(drawing.drawing_id), refused) for drawing in wanted]
        DRAWINGS.write(folder / table.name, DRAWINGS.frame(rows))
        shown = [{"drawing_id": d.drawing_id, "image_id": image_id} for d in wanted for image_id in d.references]
        if shown:
            path = folder / paths.drawing_references.name
            DRAWING_REFERENCES.write(path, DRAWING_REFERENCES.frame(shown))


def write_no_drawings(paths: Paths) -> None:
    """An empty table, for a benchmark without a generator."""
    with atomic_directory(paths.drawings.parent) as folder:
        DRAWINGS.write(folder / paths.drawings.name, DRAWINGS.frame([]))


def _row(
    drawing: WantedDrawing, generator: Generator, where: TarMember | None, refused: dict[str, str]
) -> dict[str, Any]:
    return {
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


def failures(paths: Paths) -> Counter[str]:
    """Reasons of failed drawings with their numbers."""
    table = DRAWINGS.read(paths.drawings)
    return Counter(table.loc[table["status"] == "failed", "reason"])


def read_drawings(paths: Paths) -> Iterator[tuple[Any, Image.Image]]:
    """(row of records.DRAWINGS as a named tuple, RGB image) of each drawing that was made, sorted by drawing_id.

    Raises:
        FieldguideError: data/drawings/ is missing or damaged.
    """
    table = DRAWINGS.read(paths.drawings)
    row: Any
    for row in table[table["status"] == "ok"].itertuples(index=False, name="DrawingRow"):
        shard = paths.drawings.parent / Path(row.shard).name
        yield row, open_image(read_member(shard, int(row.offset), int(row.size)))
