"""The miniature benchmark with captions, twins, recomposed captions and expansions, all with vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from fieldguide.core.paths import Paths
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.embeddings import Embeddings, text_key, write_embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.runs import RunLine
from fieldguide.records.topics import RECOMPOSED, Phrase, read_phrases, write_records
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.sections.systems import System
from tests.builders import ENCODER, tiny_benchmark

DIMENSION = 8
_SYSTEM: TypeAdapter[Any] = TypeAdapter(System)


def world(root: Path) -> Paths:
    """Everything that a system may look at."""
    paths = tiny_benchmark(root)
    images = IMAGES.read(paths.images)
    drawings = DRAWINGS.read(paths.drawings)
    drawings = drawings[drawings["purpose"] == "topic"]
    phrases = read_phrases(paths.phrases)
    write_records(
        paths.expansions, [Phrase(p.subtopic_id, f"{p.text}, {n}", "template") for p in phrases for n in (1, 2)]
    )
    keys = [("image", i) for i in images.loc[images["split"] == "gallery", "image_id"]]
    keys += [("drawing", d) for d in drawings["drawing_id"]]
    captions = [caption(kind, key) for kind, key in sorted(keys)]
    CAPTIONS.write(paths.captions, CAPTIONS.frame(captions))
    twins = [twin(row["text"]) for row in captions if row["kind"] == "image"]
    DRAWINGS.write(paths.twins, DRAWINGS.frame(sorted(twins, key=lambda row: str(row["drawing_id"]))))
    recomposed = [
        {"subtopic_id": p.subtopic_id, "drawing_id": d, "text": f"{p.text}, {d[:4]}", "recomposer": "template",
         "status": "ok", "reason": None}
        for p in sorted(phrases, key=lambda p: p.subtopic_id)
        for d in sorted(drawings.loc[drawings["prompt"] == p.text, "drawing_id"])
    ]  # fmt: skip
    RECOMPOSED.write(paths.recomposed, RECOMPOSED.frame(recomposed))
    texts = [("caption", row["text"]) for row in captions] + [("recomposed", row["text"]) for row in recomposed]
    texts += [("expansion", phrase.text) for phrase in read_phrases(paths.expansions)]
    drawn = {("twin", row["drawing_id"]) for row in twins}
    _with_vectors(paths, drawn | {(kind, text_key(text)) for kind, text in texts})
    return paths


def caption(kind: str, key: str, **other: Any) -> dict[str, Any]:
    """A row of records.CAPTIONS."""
    row = {"kind": kind, "key": key, "text": f"a {kind} {key[:6]}", "captioner": "tiny", "revision": "r1"}
    return row | {"status": "ok", "reason": None} | other


def twin(text: str) -> dict[str, Any]:
    """A row of records.DRAWINGS: a photograph's caption, drawn."""
    row = {"drawing_id": text_key(f"twin of {text}"), "prompt": text, "purpose": "twin", "index": 0, "seed": 1}
    row |= {"generator": "tiny", "revision": "r1", "status": "ok", "reason": None}
    return row | {"shard": "drawings.tar", "offset": 0, "size": 1}


def section(**values: Any) -> Any:
    """A section of `systems`, as params.yaml would give it."""
    return _SYSTEM.validate_python(values)


def scores(paths: Paths, **values: Any) -> dict[str, dict[str, float]]:
    """Score by subtopic_id and image_id of a system over the whole gallery."""
    return by_subtopic(run_system("it", section(**values), SearchCollection(paths)))


def by_subtopic(lines: Any) -> dict[str, dict[str, float]]:
    """Score by subtopic_id and image_id, best first."""
    found: dict[str, dict[str, float]] = {}
    line: RunLine
    for line in lines:
        found.setdefault(line.subtopic_id, {})[line.image_id] = line.score
    return found


class Vectors:
    """Vectors of the world by kind and key, in float64; texts by their words."""

    def __init__(self, paths: Paths) -> None:
        self._folders = [Embeddings.open(paths.queries(ENCODER)), Embeddings.open(paths.embeddings(ENCODER))]

    def __call__(self, kind: Any, key: str) -> npt.NDArray[np.float64]:
        texts = kind not in ("image", "drawing", "twin")
        vector = self._folders[kind == "image"].rows(kind, [text_key(key) if texts else key])[0]
        return np.asarray(vector, dtype=np.float64)


def unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of length one."""
    return np.asarray(vector / np.linalg.norm(vector))


def same(found: Mapping[str, float], wanted: Mapping[str, float], tolerance: float = 1e-5) -> bool:
    """The same images with the same scores."""
    return found.keys() == wanted.keys() and all(abs(found[i] - wanted[i]) <= tolerance for i in wanted)


def _with_vectors(paths: Paths, more: set[tuple[str, str]]) -> None:
    """Write the queries again, with random vectors for `more`."""
    old = Embeddings.open(paths.queries(ENCODER))
    known = {(kind, key): row for row, kind, key in old.index.itertuples(index=False, name=None)}
    keys = sorted(known.keys() | more)
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(len(keys), DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for row, pair in enumerate(keys):
        if pair in known:
            vectors[row] = old.vectors[known[pair]]
    write_embeddings(
        paths.queries(ENCODER), keys, [(np.arange(len(keys), dtype=np.intp), vectors)],
        encoder=ENCODER, revision=old.meta.revision, dtype="float32", dimension=DIMENSION,
    )  # fmt: skip
