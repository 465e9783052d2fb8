"""An answerer that reads the asked feature off image features, of entities that it has not met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldguide.answering.answerers.registry import ANSWERERS
from fieldguide.answering.answerers.section import FeaturesAnswerer
from fieldguide.answering.closed.scoring import CHOOSING_FORMS, YES_NO_FORMS
from fieldguide.answering.question import Answered, Question, ShownEntity
from fieldguide.core.files import content_key
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Refused, unit_rows
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ATTRIBUTES
from fieldguide.records.topics import Topic

KIND = "features"
UNREAD = "I cannot tell: no entity that the question does not name shows what this value looks like."
_VERSION = 1
_EVEN = 0.5


@ANSWERERS.register(KIND, modules=("sklearn",), files={})
class Features:
    """A logistic regression a (feature, value), trained on the train split of entities that the question leaves out.

    Entities count alike in training, and those with the value as much as those without it. Without images an entity is
    believed to have the value or not with probability one half; of equal ones the entity named first is chosen.
    """

    keeps = True  # vectors are kept already, and the rest is arithmetic

    def __init__(self, name: str, spec: FeaturesAnswerer, root: Path) -> None:
        self.name, self._strength = name, spec.strength
        paths = Paths(root)
        self._images = Embeddings.open(paths.embeddings(spec.encoder))
        self._queries = Embeddings.open(paths.queries(spec.encoder))
        self._values: dict[str, dict[str, str]] = {}
        rows = ATTRIBUTES.read(paths.attributes)[["entity_id", "feature", "value"]]
        for entity, feature, value in rows.itertuples(index=False, name=None):
            self._values.setdefault(feature, {})[entity] = value
        images = IMAGES.read(paths.images)
        train = images[(images["split"] == "train") & images["entity_id"].notna()]
        self._train = {str(entity): sorted(ids) for entity, ids in train.groupby("entity_id")["image_id"]}
        self._probes: dict[tuple[str, str, frozenset[str]], ValueProbe | None] = {}
        learnt = {"values": self._values, "train": self._train, "vectors": self._images.meta.key}
        self.revision = content_key(kind=KIND, version=_VERSION, strength=spec.strength, **learnt)

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """See `Answerer`."""
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Answered | Refused:
        topic = question.topic
        asked = topic.provenance.get("asked")
        if not isinstance(asked, str) or topic.form not in YES_NO_FORMS | CHOOSING_FORMS:
            return Answered("I cannot tell: the question is not about one value of a feature.")
        probe = self._probe(topic, asked)
        if probe is None:
            return Answered(UNREAD)
        believed = {entity.entity_id: self._believed(probe, entity) for entity in question.entities}
        names = {entity.entity_id: entity.name for entity in question.entities}
        return decide(topic, [believed[entity] for entity in topic.entities], names, asked)

    def _believed(self, probe: ValueProbe, entity: ShownEntity) -> float:
        """How likely the entity has the value, by the mean log-odds of its images."""
        vectors = [
            (self._queries if shown.kind == "drawing" else self._images).rows(
                "drawing" if shown.kind == "drawing" else "image", [shown.key]
            )
            for shown in entity.shown
            if shown.kind != "caption"  # it does not read
        ]
        return probe(np.concatenate(vectors)) if vectors else _EVEN

    def _probe(self, topic: Topic, asked: str) -> ValueProbe | None:
        """None where the entities that were not named all have the value, or none of them."""
        values = self._values.get(topic.feature, {})
        others = {e: value for e, value in values.items() if e not in topic.entities and self._train.get(e)}
        key = (topic.feature, asked, frozenset(others))
        if key not in self._probes:
            having = sorted(entity for entity, value in others.items() if value == asked)
            lacking = sorted(set(others) - set(having))
            self._probes[key] = self._learn(having, lacking) if having and lacking else None
        return self._probes[key]

    def _learn(self, having: Sequence[str], lacking: Sequence[str]) -> ValueProbe:
        vectors, labels, weights = [], [], []
        for label, entities in ((1, having), (0, lacking)):
            for entity in entities:
                ids = self._train[entity]
                vectors.append(self._images.rows("image", ids))
                labels += [label] * len(ids)
                weights += [1 / (len(ids) * len(entities))] * len(ids)
        return ValueProbe(np.concatenate(vectors), labels, weights, self._strength)


class ValueProbe:
    """The log-odds of a value, linear in unit vectors."""

    def __init__(
        self, vectors: npt.NDArray[np.float32], labels: Sequence[int], weights: Sequence[float], strength: float
    ) -> None:
        from sklearn.linear_model import LogisticRegression

        scaled = np.asarray(weights) * len(weights) / sum(weights)
        model = LogisticRegression(C=strength, max_iter=2000, tol=1e-6)
        model.fit(unit_rows(vectors).astype(np.float64), labels, sample_weight=scaled)
        self._weights, self._bias = model.coef_[0], float(model.intercept_[0])

    def __call__(self, vectors: npt.NDArray[np.float32]) -> float:
        """The probability (0..1) of the mean log-odds of some images: (n, d) float32, n at least 1."""
        odds = float(np.mean(unit_rows(vectors).astype(np.float64) @ self._weights + self._bias))
        # Rounded, so that the order in which images are shown changes nothing, not even a last bit.
        return round(1 / (1 + float(np.exp(-odds))), 9)


def decide(topic: Topic, believed: Sequence[float], names: Mapping[str, str], asked: str) -> Answered:
    """The answer from how likely each entity has the asked value (0..1, in the order of the question).

    which, which-not: the likeliest, the least likely. both: whether all likely have it. truth: whether it is the entity
    named first, for just one has it. The confidence is the distance between what is chosen and what is not.
    """
    said = "; ".join(f"{names[e]}: {p:.2f}" for e, p in zip(topic.entities, believed, strict=True))
    reasons = f"### Reasoning\nHow likely each has the value {asked!r}: {said}.\n### Answer\n"
    if topic.form == "both":
        least = min(believed)
        return Answered(f"{reasons}{'yes' if least > _EVEN else 'no'}", abs(2 * least - 1))
    best = [1 - p for p in believed] if topic.form == "which-not" else list(believed)
    place = best.index(max(best))
    margin = best[place] - max(best[:place] + best[place + 1 :], default=0.0)
    if topic.form == "truth":
        return Answered(f"{reasons}{'yes' if place == 0 else 'no'}", margin)
    return Answered(f"{reasons}{names[topic.entities[place]]}", margin)
