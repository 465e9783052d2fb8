"""The most frequent right answer of each form: what is right without looking and without knowing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fieldguide.answering.answerers.registry import ANSWERERS
from fieldguide.answering.answerers.section import PriorAnswerer
from fieldguide.answering.closed.scoring import CHOOSING_FORMS, form_of, habits, names_of, references_of
from fieldguide.answering.question import Answered, Question
from fieldguide.core.files import content_key
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import read_topics

KIND = "prior"
_VERSION = 1


@ANSWERERS.register(KIND, modules=(), files={})
class Prior:
    """Yes or no, or the place among the entities (of so many), that is right most often; of equals the lesser."""

    keeps = True  # nothing is computed

    def __init__(self, name: str, spec: PriorAnswerer, root: Path) -> None:
        self.name = name
        paths = Paths(root)
        topics = read_topics(paths.topics)
        counts = habits(topics, references_of(topics, names_of(ENTITIES.read(paths.entities))))
        self._most = {form: min(found, key=lambda a: (-found[a], a)) for form, found in counts.items()}
        told = {f"{form} {size}": answer for (form, size), answer in sorted(self._most.items())}
        self.revision = content_key(kind=KIND, version=_VERSION, answers=told)

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """See `Answerer`."""
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Answered | Refused:
        most = self._most.get(form_of(question.topic))
        if most is None:
            return Refused("no question of this form has a closed answer")
        if question.topic.form not in CHOOSING_FORMS:
            return Answered(most)
        chosen = question.topic.entities[int(most)]
        return Answered(next(entity.name for entity in question.entities if entity.entity_id == chosen))
