"""A question as an answerer gets it: the text, and what is shown for each entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, read_member
from fieldguide.corpus.store.items import Member
from fieldguide.corpus.store.pixels import open_image
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.topics import Topic

ShownKind = Literal["image", "drawing", "caption"]


class Shown(NamedTuple):
    """Something shown: `key` is its image_id or drawing_id, `content` the sha256 of bytes or text.

    `relevant` is None where relevance means nothing, as for a drawing.
    """

    kind: ShownKind
    key: str
    content: str
    payload: Member | str
    relevant: bool | None = None

    def image(self) -> Image.Image:
        """The upright RGB image.

        Raises:
            FieldguideError: it is no image, or a shard is damaged; names it.
        """
        if isinstance(self.payload, str):
            raise FieldguideError(f"{self.kind} {self.key} is no image")
        try:
            return open_image(read_member(*self.payload))
        except FieldguideError as error:
            raise FieldguideError(f"{self.kind} {self.key}: {error}") from error


class ShownEntity(NamedTuple):
    """One entity of the question, by the name that the question calls it by, with what is shown as its images."""

    subtopic_id: str
    entity_id: str
    name: str
    shown: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class Question:
    """A topic with what is shown. An answerer must not look at the topic's `answer` and `values`.

    `preset`: the question is put as another benchmark puts it, see `Answer.preset`.
    """

    topic: Topic
    entities: tuple[ShownEntity, ...]
    preset: str | None = None

    @property
    def shown(self) -> list[Shown]:
        """All that is shown, in order."""
        return [shown for entity in self.entities for shown in entity.shown]

    @property
    def key(self) -> str:
        """The sha256 of all that an answerer gets."""
        told: list[Any] = [[e.entity_id, e.name, [[s.kind, s.content] for s in e.shown]] for e in self.entities]
        return content_key(topic=self.topic.topic_id, text=self.topic.text, told=told, preset=self.preset)


@dataclass(frozen=True)
class Answered:
    """An answer in the answerer's words. `confidence` is from 0 to 1; tokens are None where not counted."""

    text: str
    confidence: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float = 0.0


class Answerer(Protocol):
    """Answers questions.

    Invariant: an answer depends on its question and `revision` alone, not on what is asked beside it.

    Attributes:
        name: its name in params.yaml.
        revision: sha256 over the weights and everything else that determines an answer.
        keeps: whether its answers are kept elsewhere already, as those of paid calls are.
    """

    name: str
    revision: str
    keeps: bool

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """An answer each, or the reason why there is none."""
        ...
