"""Do drawings show the entity that they were asked for? Asked of the images alone, apart from retrieval.

Each drawing is named by the nearest class mean among the entities' reference photographs (Mensink, Verbeek, Perronnin
and Csurka, Distance-based image classification, IEEE TPAMI 2013). The share that is named right judges the generator,
as classification accuracy scores do (Ravuri and Vinyals, NeurIPS 2019); the ceiling is how well the same classifier
names photographs that it was not made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import write_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.fidelity.section import Fidelity
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.scores import FIDELITY_VERSION
from fieldguide.records.topics import Subtopic, read_phrases, read_topics
from fieldguide.retrieval.search import Floats, centred, unit

Verdict = Literal["faithful", "rewriting", "generation", "not drawn"]
Labels = npt.NDArray[np.int64]
_DECIMALS = 6  # as similarities are rounded: the nearest must not hang on the last bits of a product


@dataclass(frozen=True)
class EntityFidelity:
    """One entity: its drawings and its reference photographs.

    Attributes:
        drawings: that exist, of all its phrases, each phrase once.
        accuracy: share of them that are named right; None without drawings.
        ceiling: the same of its photographs, each left out of its own class mean; None with fewer than two.
        taken_for: what the wrong ones are named most often; None where all are right.
    """

    entity_id: str
    photographs: int
    drawings: int
    accuracy: float | None
    ceiling: float | None
    taken_for: str | None


@dataclass(frozen=True)
class PhraseFidelity:
    """One subtopic's phrase: of `drawn` drawings `faithful` are named right.

    Verdicts: `faithful`: at least half of them. Else `rewriting`, if drawings of the entity's bare name (the phrase of
    its own topic) are faithful, and `generation` if those are not either, or there is no such topic.
    """

    subtopic_id: str
    entity_id: str
    phrase: str
    drawn: int
    faithful: int
    verdict: Verdict


@dataclass(frozen=True)
class FidelityReport:
    """fidelity.json.

    Attributes:
        chance: of naming an entity right at random.
        accuracy: mean over the entities that are drawn; None where none is.
        ceiling: mean over entities with two photographs or more.
        left_out: entities without reference photographs; their subtopics are not among `phrases`.
    """

    encoder: str
    centred: bool
    chance: float
    accuracy: float | None
    ceiling: float | None
    entities: tuple[EntityFidelity, ...]
    phrases: tuple[PhraseFidelity, ...]
    left_out: tuple[str, ...]


class ClassMeans:
    """Means of unit vectors by class, and which is nearest.

    Args:
        vectors: (n, d) unit rows.
        labels: (n,) class of each, 0..classes-1; each class occurs.
    """

    def __init__(self, vectors: Floats, labels: Labels) -> None:
        self._vectors, self._labels = vectors, labels
        self._sums: Floats = np.zeros((int(labels.max()) + 1, vectors.shape[1]), dtype=np.float32)
        np.add.at(self._sums, labels, vectors)

    def nearest(self, vectors: Floats) -> Labels:
        """(m,) class whose mean has the greatest cosine with each of (m, d) rows; the first of equal ones."""
        return self._first(vectors @ unit(self._sums).T)

    def left_out(self) -> Labels:
        """(n,) class of each vector by the means of all others; -1 where it is the only one of its class."""
        cosines: Floats = self._vectors @ unit(self._sums).T
        without = unit(self._sums[self._labels] - self._vectors)
        cosines[np.arange(len(self._labels)), self._labels] = (self._vectors * without).sum(axis=1)
        return np.where(np.bincount(self._labels)[self._labels] < 2, -1, self._first(cosines))

    def _first(self, cosines: npt.NDArray[np.floating]) -> Labels:
        return np.asarray(np.round(cosines, _DECIMALS).argmax(axis=1), dtype=np.int64)


def measure_fidelity(paths: Paths, spec: Fidelity) -> FidelityReport:
    """Name every drawing of a topic's phrase by the photographs of the train split, which no system searches.

    Raises:
        FieldguideError: fewer than two entities have reference photographs, or vectors are missing.
    """
    images = IMAGES.read(paths.images)
    images = images[(images["split"] == "train") & images["entity_id"].notna()].sort_values("image_id")
    entities = sorted(set(images["entity_id"]))
    if len(entities) < 2:
        raise FieldguideError(
            f"{paths.images}: the train split shows {len(entities)} entities; to name drawings takes photographs of "
            "two at least"
        )
    photographs = Embeddings.open(paths.embeddings(spec.encoder)).rows("image", list(images["image_id"]))
    labels = np.searchsorted(entities, images["entity_id"].to_numpy(dtype=str)).astype(np.int64)
    if spec.centre:
        photographs = centred(photographs, photographs.mean(axis=0))
    means = ClassMeans(photographs, labels)
    named = _name_drawings(paths, spec, means, entities)
    subtopics = sorted((s for t in read_topics(paths.topics) for s in t.subtopics), key=lambda s: s.subtopic_id)
    phrases = {phrase.subtopic_id: phrase.text for phrase in read_phrases(paths.phrases)}
    judged = [s for s in subtopics if s.entity_id in set(entities)]
    told = {e: _ceiling(means.left_out()[labels == n], n) for n, e in enumerate(entities)}
    rows = tuple(
        _entity(entity, int((labels == n).sum()), told[entity], _drawn(entity, judged, phrases, named))
        for n, entity in enumerate(entities)
    )
    return FidelityReport(
        spec.encoder,
        spec.centre,
        1 / len(entities),
        _mean(row.accuracy for row in rows),
        _mean(row.ceiling for row in rows),
        rows,
        judge_phrases(judged, phrases, named),
        tuple(sorted({s.entity_id for s in subtopics} - set(entities))),
    )


def judge_phrases(
    subtopics: Sequence[Subtopic], phrases: Mapping[str, str], named: Mapping[str, Sequence[str]]
) -> tuple[PhraseFidelity, ...]:
    """Each subtopic's phrase, and where it went wrong.

    Args:
        subtopics: of entities with reference photographs.
        phrases: by subtopic_id.
        named: what each drawing of a phrase is named, by the phrase's text.
    """
    bare = {s.entity_id: phrases[s.subtopic_id] for s in subtopics if s.topic.kind == "entity"}

    def faithful(text: str | None, entity: str) -> bool:
        names = named.get(text or "", ())
        return 2 * sum(name == entity for name in names) >= max(len(names), 1)

    rows = []
    for subtopic in subtopics:
        entity, text = subtopic.entity_id, phrases[subtopic.subtopic_id]
        names = named.get(text, ())
        verdict: Verdict = "generation"
        if not names:
            verdict = "not drawn"
        elif faithful(text, entity):
            verdict = "faithful"
        elif faithful(bare.get(entity), entity):
            verdict = "rewriting"
        right = sum(name == entity for name in names)
        rows.append(PhraseFidelity(subtopic.subtopic_id, entity, text, len(names), right, verdict))
    return tuple(rows)


def write_fidelity(path: Path, report: FidelityReport) -> None:
    """Write fidelity.json."""
    write_json(path, {"schema_version": FIDELITY_VERSION, **asdict(report)})


def _name_drawings(paths: Paths, spec: Fidelity, means: ClassMeans, entities: Sequence[str]) -> dict[str, list[str]]:
    """What each drawing of a topic's prompt is named, by the prompt, in the order of drawing_ids."""
    drawings = DRAWINGS.read(paths.drawings)
    drawings = drawings[(drawings["status"] == "ok") & (drawings["purpose"] == "topic")].sort_values("drawing_id")
    if drawings.empty:
        return {}
    vectors = Embeddings.open(paths.queries(spec.encoder)).rows("drawing", list(drawings["drawing_id"]))
    if spec.centre:
        vectors = centred(vectors, vectors.mean(axis=0))
    named: dict[str, list[str]] = {}
    for prompt, label in zip(drawings["prompt"], means.nearest(vectors).tolist(), strict=True):
        named.setdefault(prompt, []).append(entities[label])
    return named


def _drawn(
    entity: str, subtopics: Iterable[Subtopic], phrases: Mapping[str, str], named: Mapping[str, Sequence[str]]
) -> list[str]:
    """What the drawings of all phrases of an entity are named, each phrase once."""
    texts = sorted({phrases[s.subtopic_id] for s in subtopics if s.entity_id == entity})
    return [name for text in texts for name in named.get(text, ())]


def _entity(entity: str, photographs: int, ceiling: float | None, names: Sequence[str]) -> EntityFidelity:
    wrong = Counter(name for name in names if name != entity)
    taken_for = min(wrong, key=lambda name: (-wrong[name], name)) if wrong else None
    accuracy = names.count(entity) / len(names) if names else None
    return EntityFidelity(entity, photographs, len(names), accuracy, ceiling, taken_for)


def _ceiling(named: Labels, label: int) -> float | None:
    return None if len(named) < 2 else float((named == label).mean())


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
