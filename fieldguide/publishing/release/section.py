"""Section of the stage that makes the release."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Name, Section, Seed

Words = Annotated[str, Field(min_length=1)]


class Creator(Section):
    """Somebody who made the benchmark: a person or an organisation.

    Attributes:
        name: of a person: given names first, then the family name.
        family: the family name of a person; null: an organisation.
        orcid: sixteen digits in four groups.
    """

    name: Words
    family: Words | None = None
    affiliation: Words | None = None
    orcid: Annotated[str, Field(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] | None = None


class Responsible(Section):
    """What only the curator can say, for Croissant's fields of responsible AI; what is null is left out, and said.

    Attributes:
        annotators: who the people are who judged: how they were found, paid, what they know.
        biases: whom or what the photographs show too often, or never.
        personal_data: whether people can be recognised, and what was done about it.
        uses: what it is for, and what it is not for.
        social_impact: good and harm that may come of it.
        maintenance: who keeps it, and how mistakes are told.
    """

    annotators: Words | None = None
    biases: Words | None = None
    personal_data: Words | None = None
    uses: Words | None = None
    social_impact: Words | None = None
    maintenance: Words | None = None


class PrivateSplit(Section):
    """Which judgments a release withholds, so that runs can be scored by grades that nobody has seen.

    Attributes:
        share: of all entities (topics); each is drawn by itself, so that it is about so many.
        seed: of the draw.
        by: entity: no entity has public and private subtopics; topic: all subtopics of a topic or none, but topics that
            share an entity give away each other's relevant images.
        salt_from: environment variable that holds the salt; null: .private/salt, which `fieldguide release seal` makes.
        tries: runs that one team may have scored.
    """

    share: Annotated[float, Field(strict=True, gt=0, lt=1)]
    seed: Seed
    by: Literal["entity", "topic"] = "entity"
    salt_from: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    tries: Annotated[int, Field(strict=True, ge=1, le=1000)] = 5


class Release(Section):
    """Stage `release`.

    Attributes:
        private: null: everything is published.
        creators: who is cited.
        url: where it is published.
        date: on which it is published, YYYY-MM-DD; null: none is stated, for a build knows no date.
        keywords: what people look for it by.
    """

    name: Name
    version: str = "0.1.0"
    licence: str
    description: str
    creators: list[Creator] = Field(default=[])
    url: Annotated[str, Field(pattern=r"^https?://[^\s/]\S*$")] | None = None
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    keywords: list[Words] = Field(default=["text-to-image retrieval", "benchmark", "multi-entity questions"])
    responsible: Responsible = Responsible()
    private: PrivateSplit | None = None
