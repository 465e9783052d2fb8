"""The section `adjudicate` of params.yaml: how judgments become grades."""

from __future__ import annotations

from typing import Literal

from fieldguide.core.section import Section


class Adjudicate(Section):
    """Stage `adjudicate`: who judges, and how judgments become grades.

    `rule` decides where the adjudicator has not: `majority`, or `dawid-skene`, which weighs each assessor by the
    errors estimated from all judgments. `guideline`: the version whose judgments count, with those that have the same
    choices and grades; needed where the log holds judgments by several that do not go together.
    """

    judge: Literal["dataset-label", "log"] = "dataset-label"
    rule: Literal["majority", "dawid-skene"] = "majority"
    guideline: str | None = None
