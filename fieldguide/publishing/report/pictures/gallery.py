"""A map of the gallery: photographs and drawings in an encoder's space, before and after centring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.records.embeddings import Embeddings
from fieldguide.retrieval.search import Floats, best, centred, similarities

Labels = npt.NDArray[np.object_]
POINTS = 2000
"""At most so many photographs and so many drawings are shown, evenly taken from all."""


@dataclass(frozen=True)
class GalleryMap:
    """One encoder's space. `points`: kind (photograph or drawing), id, entity_id, and x, y before and after centring.

    `right_before`, `right_after`: for which share of the drawings the nearest photograph shows their entity.
    """

    encoder: str
    points: pd.DataFrame
    right_before: float
    right_after: float


def gallery_map(benchmark: Benchmark, encoder: str) -> GalleryMap | None:
    """The map of one encoder; None where it has no vectors of drawings.

    Coordinates are the first two principal components of photographs and drawings together, and again when each domain
    has lost its own mean. They are rounded to four decimals, for their last bits differ between machines.
    """
    shown = _shown(benchmark)
    if shown.empty or not (benchmark.paths.queries(encoder) / "meta.json").exists():
        return None
    images = Embeddings.open(benchmark.paths.embeddings(encoder))
    queries = Embeddings.open(benchmark.paths.queries(encoder))
    known = set(queries.keys("drawing"))
    shown = shown[shown["id"].isin(known)]
    if shown.empty or images.meta.revision != queries.meta.revision:
        return None
    gallery = benchmark.images[benchmark.images["split"] == "gallery"].sort_index()
    photographs = pd.DataFrame({"id": list(gallery.index), "entity_id": gallery["entity_id"].tolist()})
    found = photographs.iloc[_evenly(len(photographs))]
    drawn = shown.iloc[_evenly(len(shown))]
    pixels = images.rows("image", found["id"].tolist())
    drawings = queries.rows("drawing", drawn["id"].tolist())
    points = pd.concat([found.assign(kind="photograph"), drawn.assign(kind="drawing")], ignore_index=True)[
        ["kind", "id", "entity_id"]
    ]
    after = centred(pixels, pixels.mean(axis=0)), centred(drawings, drawings.mean(axis=0))
    for name, pair in (("before", (pixels, drawings)), ("after", after)):
        points[[f"x_{name}", f"y_{name}"]] = _plane(np.concatenate(pair))
    labels = found["entity_id"].to_numpy(dtype=object), drawn["entity_id"].to_numpy(dtype=object)
    return GalleryMap(encoder, points, _right(pixels, drawings, *labels), _right(*after, *labels))


def _shown(benchmark: Benchmark) -> pd.DataFrame:
    """Id and entity_id of the topics' drawings that exist and are of one entity."""
    entities: dict[str, set[str]] = {}
    for name, subtopic in benchmark.subtopics.items():
        entities.setdefault(benchmark.phrases[name].text, set()).add(subtopic.entity_id)
    own = {phrase: next(iter(asked)) for phrase, asked in entities.items() if len(asked) == 1}
    drawings = benchmark.drawings
    made = drawings[(drawings["status"] == "ok") & (drawings["purpose"] == "topic") & drawings["prompt"].isin(own)]
    made = made.sort_values("drawing_id")
    return pd.DataFrame({"id": made["drawing_id"].tolist(), "entity_id": [own[p] for p in made["prompt"]]})


def _evenly(count: int) -> list[int]:
    return [int(place) for place in np.unique(np.linspace(0, count - 1, min(count, POINTS)).astype(int))]


def _plane(vectors: Floats) -> npt.NDArray[np.float64]:
    """(n, 2): the first two principal components, each turned so that its greatest coordinate is positive."""
    from sklearn.decomposition import PCA

    plane = PCA(2, svd_solver="full").fit_transform(vectors.astype(np.float64))
    turned = plane * np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    return np.asarray(turned.round(4) + 0.0)


def _right(photographs: Floats, drawings: Floats, shows: Labels, asked: Labels) -> float:
    """Share of the drawings whose nearest photograph shows what was asked."""
    rows = np.arange(len(photographs))
    nearest = [best(found, 1)[0] for found in similarities(drawings, photographs, rows)]
    return float(np.mean(shows[nearest] == asked))
