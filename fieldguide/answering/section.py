"""Section of the stage that has questions answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fieldguide.core.section import Names, Positive, Section, Seed, once_each
from fieldguide.models.calls.section import ChatEndpoint

ContextName = Literal[
    "none", "gold", "negatives", "others", "gold-among", "distractors", "swapped", "captions", "drawings"
]
"""What can be shown beside what systems found:

none        nothing
gold        relevant images of each entity
negatives   images that were judged not relevant; of the same entity where there are any
others      images of entities that the question does not name
gold-among  one relevant image among `distractors` of anything else
distractors the same without the relevant one
swapped     each entity's relevant images shown as another one's
captions    the captions of the relevant images in place of the images
drawings    the drawings of the entity's phrase
"""
CONTEXTS: tuple[ContextName, ...] = (
    "none", "gold", "negatives", "others", "gold-among", "distractors", "swapped", "captions", "drawings",
)  # fmt: skip
Order = Literal["ranked", "reversed", "shuffled", "exchanged"]
"""ranked: as chosen, best first. reversed, shuffled: of each entity's images. exchanged: the last entity first."""
Track = Literal["fullrank", "rerank"]


class JudgeModels(Section):
    """Models that judge answers in free words.

    Attributes:
        chats: each judges by itself; the answer's score is the median; where half of them or more fail it is unscored.
        preset: `paper` is VisRet's instruction and scale (arXiv 2505.20291).
    """

    chats: Annotated[list[ChatEndpoint], Field(min_length=1)]
    preset: Literal["paper"] | None = None


class Answer(Section):
    """Stage `answer`.

    Attributes:
        answerers: who answers, of `answerers`; nobody: the stage does nothing.
        preset: `paper` asks as VisRet did (arXiv 2505.20291): one image for gold and negatives, 1, 5 and 10 of what a
            system found, no image with another prompt. The keys it sets may not stand beside it.
        contexts: what is shown beside what systems found.
        systems: whose best images are shown.
        tracks: of their runs.
        k: how many of them for each entity.
        images: how many for each entity in the other contexts.
        distractors: how many for each entity in `gold-among` and `distractors`.
        orders: in which order they are shown; `gold-among` has orders of its own besides.
        judge: of answers in free words; null: questions without a closed answer are not asked.
    """

    answerers: Names = Field(default=[])
    preset: Literal["paper"] | None = None
    contexts: Annotated[list[ContextName], AfterValidator(once_each)] = Field(default=list(CONTEXTS))
    systems: Names = Field(default=[])
    tracks: Annotated[list[Track], AfterValidator(once_each), Field(min_length=1)] = Field(default=["fullrank"])
    k: Annotated[list[Positive], AfterValidator(once_each), Field(min_length=1)] = Field(default=[1, 3, 5])
    images: Positive = 3
    distractors: Positive = 4
    orders: Annotated[list[Order], AfterValidator(once_each)] = Field(default=["ranked"])
    judge: JudgeModels | None = None
    seed: Seed = 1

    @model_validator(mode="after")
    def _ranked_comes_first(self) -> Answer:
        if self.orders[:1] != ["ranked"]:
            raise ValueError("orders begins with ranked: the others are compared with it")
        return self

    @model_validator(mode="after")
    def _a_preset_stands_alone(self) -> Answer:
        usual = type(self).model_fields
        # Params that were written out hold the defaults too.
        free = {key: (value, usual[key].default) for key, value in PAPER.items()} if self.preset else {}
        set_too = sorted(key for key, either in free.items() if getattr(self, key) not in either)
        if set_too:
            raise ValueError(f"preset {self.preset} sets {', '.join(set_too)}; leave out the one or the others")
        return self

    @property
    def settled(self) -> Answer:
        """The section with what its preset says."""
        return self.model_copy(update=PAPER) if self.preset == "paper" else self


PAPER = {"contexts": ["none", "gold", "negatives"], "k": [1, 5, 10], "images": 1, "orders": ["ranked"]}
