"""The section `annotate` of params.yaml: who is asked what."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fieldguide.core.errors import FieldguideError
from fieldguide.core.section import Name, Names, Positive, Section, Seed

GRID = 8
"""Images of a page in the grid, each of which is a column of the keyboard."""


class Images(Section):
    """How assessors' browsers get the images.

    `local-files`: copies under .annotation/images, served by a Label Studio on this machine.
    `http`: at `address` + image_id (an S3 bucket's or any other public or signed-in address).
    `upload`: inside the task itself, as a data address; for small collections on a distant server.
    `side` is the greatest width or height in pixels of a copy; greater images are made smaller for the form.
    """

    kind: Literal["local-files", "http", "upload"] = "local-files"
    address: Annotated[str, Field(pattern=r"^(https?|s3)://")] | None = None
    side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 1024

    @model_validator(mode="after")
    def _address_is_for_http(self) -> Images:
        if (self.kind == "http") != (self.address is not None):
            raise ValueError("`address` belongs to the kind http, and to no other")
        return self


class Preannotation(Section):
    """Show a model's guess first, for a seeded `share` of the images; the rest stays blind.

    The images that `system` ranks within `relevant` for a subtopic are guessed to have the highest grade, all
    others grade 0. How far people follow the guess (anchoring) is reported.
    """

    system: Name
    share: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.5
    relevant: Positive = 10


class Stopping(Section):
    """When no more images of a subtopic are asked for. Images go out in pool order, `wave` pages a subtopic at a time.

    `consecutive`: after `count` non-relevant images in a row in pool order (INQUIRE used 100).
    `missed`: as soon as at most `bound` relevant images are unseen by the estimate's upper 95 % limit.
    """

    rule: Literal["consecutive", "missed"]
    count: Positive | None = None
    bound: Annotated[float, Field(strict=True, ge=0)] | None = None
    wave: Positive = 2

    @model_validator(mode="after")
    def _has_its_number(self) -> Stopping:
        if (self.rule == "consecutive") != (self.count is not None) or (self.rule == "missed") != (
            self.bound is not None
        ):
            raise ValueError("`consecutive` needs `count`, `missed` needs `bound`, and neither the other's")
        return self


class TrainingRounds(Section):
    """Images of known grade that an assessor judges before any real page, told at once what was right and why.

    Attributes:
        images: CSV with subtopic_id, image_id, grade, why. They must be in the corpus, and are not in the gold that
            is hidden among real pages: whoever was told an answer proves nothing by it.
        pass_mark: share of a round that must be right.
        rounds: that an assessor may try; then the manager is to be asked. Whoever fails gold later is trained again.
    """

    images: Path
    pass_mark: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.8
    rounds: Annotated[int, Field(strict=True, ge=1, le=100)] = 3


class Annotate(Section):
    """`fieldguide annotate`: who is asked what. A change counts for what is asked from then on.

    Attributes:
        assessors: names for the log, not addresses; accounts.json says who they are on the server.
        adjudicator: who decides where assessors disagree; must not be one of them.
        projects: `separate`: one a person, strictly blind; `shared`: one for all, the server hands each page to
            `overlap` people.
        overlap: how many assessors judge each image.
        gold: CSV of images with known grades (subtopic_id, image_id, grade), asked of everybody.
        gold_share: of an assessor's images, at most; 0: none.
        repeat_share: of an assessor's images that are asked again later, for self-consistency.
        page: images judged at once; 1: one by one, with zoom; at most 8 in the grid.
        form: `grid`: every image is answered; `pick`: only what is relevant or unclear is marked, and one key says that
            the rest is not. For pools with few relevant images, on the pages of `fieldguide annotate serve`.
        training: what assessors must pass before their first real page; None: nothing.
        paused: assessors who get no pages for now.
        deadline: the day by which all should be judged; it is shown, and nothing else follows from it.
        subtopics: only these (ids of topics or subtopics); all where empty.
        coverage: share of the planned judgments at which the build goes on by itself.
    """

    assessors: Names = Field(min_length=1, default=["first", "second"])
    adjudicator: Name | None = None
    projects: Literal["separate", "shared"] = "separate"
    overlap: Positive = 2
    gold: Path | None = None
    gold_share: Annotated[float, Field(strict=True, ge=0, le=0.5)] = 0.0
    repeat_share: Annotated[float, Field(strict=True, ge=0, le=0.5)] = 0.0
    page: Annotated[int, Field(strict=True, ge=1, le=30)] = 8
    form: Literal["grid", "pick"] = "grid"
    seed: Seed = 1
    subtopics: list[str] = Field(default=[])
    coverage: Annotated[float, Field(strict=True, gt=0, le=1)] = 1.0
    images: Images = Images()
    preannotation: Preannotation | None = None
    stopping: Stopping | None = None
    training: TrainingRounds | None = None
    paused: Names = Field(default=[])
    deadline: date | None = None

    @property
    def people(self) -> list[str]:
        """Everybody who needs an account: the assessors, then the adjudicator."""
        return [*self.assessors, *filter(None, [self.adjudicator])]

    def without(self, names: Collection[str]) -> Annotate:
        """The same, asking none of `names`.

        Raises:
            FieldguideError: too few assessors are left for the overlap.
        """
        left = [name for name in self.assessors if name not in names]
        if self.overlap > len(left):
            raise FieldguideError(
                f"params.yaml: annotate.overlap is {self.overlap}, and {len(left)} assessors are left beside those of "
                "adjudicate.excluded; name others to judge in their place, or set a lower overlap"
            )
        adjudicator = None if self.adjudicator in names else self.adjudicator
        return self.model_copy(update={"assessors": left, "adjudicator": adjudicator})

    @model_validator(mode="after")
    def _fits_together(self) -> Annotate:
        if len(set(self.assessors)) != len(self.assessors):
            raise ValueError("an assessor is named twice")
        if self.adjudicator in self.assessors:
            raise ValueError(f"adjudicator {self.adjudicator!r} is an assessor too, and would decide on own judgments")
        if self.overlap > len(self.assessors):
            raise ValueError(f"overlap is {self.overlap}, but there are {len(self.assessors)} assessors")
        if self.gold_share and self.gold is None:
            raise ValueError("gold_share needs `gold`, a CSV with subtopic_id, image_id and grade")
        if self.form == "grid" and self.page > GRID:
            raise ValueError(f"page is {self.page}; a grid has at most {GRID} images, only `form: pick` has more")
        unknown = sorted(set(self.paused) - set(self.people))
        if unknown:
            raise ValueError(f"paused: {', '.join(unknown)} is neither an assessor nor the adjudicator")
        if self.projects == "shared" and (self.repeat_share or self.preannotation):
            raise ValueError("repeat_share and preannotation need `projects: separate`: a shared project asks anybody")
        return self
