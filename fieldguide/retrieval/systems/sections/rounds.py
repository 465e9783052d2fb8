"""Section of a system that draws in rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Name
from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.retrieval.systems.sections.comparing import VisretSystem
from fieldguide.retrieval.systems.sections.ranking import RankingSection


class GenirSystem(RankingSection):
    """Draws a phrase, looks at what the drawings find, words the phrase anew and draws it again, in rounds.

    Attributes:
        visret: how drawings are compared with photographs, in every round.
        chat: the model that words phrases anew; it has to understand images.
        rounds: a phrase is worded anew so many times at most.
        shown: so many of the photographs that were found are shown to the model, beside the drawings.
        side: greatest width or height in pixels of what the model is shown.
        refined: the system whose rounds (stage `refine`) it ranks by: itself, or one that is set as it is and has as
            many rounds or more.
    """

    kind: Literal["genir"]
    visret: VisretSystem
    chat: ChatEndpoint
    refined: Name
    rounds: Annotated[int, Field(strict=True, ge=1, le=10)] = 3
    shown: Annotated[int, Field(strict=True, ge=0, le=20)] = 4
    side: Annotated[int, Field(strict=True, ge=16, le=4096)] = 512

    @property
    def inner(self) -> Mapping[str, RankingSection]:
        """See `RankingSection`."""
        return {"visret": self.visret}

    @property
    def description(self) -> str:
        """What it does, for the report."""
        times = "once" if self.rounds == 1 else f"up to {self.rounds} times"
        seen = f"the drawings and the {self.shown} best photographs" if self.shown else "the drawings"
        return f"{self.visret.description}; the phrase worded anew {times} by {self.chat.model}, which looks at {seen}"
