"""The section `adjudicate` of params.yaml: how judgments become grades."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Name, Section


class Adjudicate(Section):
    """Stage `adjudicate`: who judges, and how judgments become grades.

    `rule` decides where the adjudicator has not: `majority`, or `dawid-skene`, which weighs each assessor by the
    errors estimated from all judgments. `guideline`: the version whose judgments count, with those that have the same
    choices and grades; needed where the log holds judgments by several that do not go together. `excluded`: people
    whose judgments count for nothing, each with the reason, which is published; the log keeps them.
    """

    judge: Literal["dataset-label", "log"] = "dataset-label"
    rule: Literal["majority", "dawid-skene"] = "majority"
    guideline: str | None = None
    excluded: dict[Name, Annotated[str, Field(min_length=1)]] = Field(default={})
