"""Pages of the plan: the images that one person judges at once, which are one task of the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY, PlanRow, Purpose

Group = Literal["judge", "judge-singly", "adjudicate"]
"""Which form: the grid; one image at a time, with zoom; that of the adjudicator."""
GROUPS: tuple[Group, ...] = get_args(Group)
Mark = tuple[str, Group, str]
"""Which project of the server: assessor, group, guideline version."""


@dataclass(frozen=True)
class PlanPage:
    """Rows of the plan with one page_key, by position."""

    rows: tuple[PlanRow, ...]

    @property
    def key(self) -> str:
        """Identity."""
        return self.rows[0].page_key

    @property
    def subtopic_id(self) -> str:
        """All its images are judged for one subtopic."""
        return self.rows[0].subtopic_id

    @property
    def queue(self) -> int:
        """Place in the assessor's order."""
        return self.rows[0].queue

    @property
    def mark(self) -> Mark:
        """Which project it belongs to; those of one image may lie in one of `judge-singly`, see sync/push.py."""
        row = self.rows[0]
        return row.assessor, "adjudicate" if row.purpose == "adjudicate" else "judge", row.guideline


def still_asked(assessor: str, purpose: Purpose | Group, annotate: Annotate) -> bool:
    """Whether params.yaml still names whoever the plan asks; False for people who left."""
    if purpose == "adjudicate":
        return assessor == annotate.adjudicator
    return assessor in (*annotate.assessors, ANYBODY)


def rows_by_page(rows: Iterable[PlanRow]) -> dict[str, tuple[PlanRow, ...]]:
    """Rows by page_key: pages in the order of each assessor's queue, rows in that of their positions."""
    pages = grouped((row.page_key, row) for row in sorted(rows, key=lambda r: (r.assessor, r.queue, r.position)))
    return {key: tuple(page) for key, page in pages.items()}


def pages_of(rows: Iterable[PlanRow]) -> dict[str, PlanPage]:
    """Pages by page_key, in the order of each assessor's queue."""
    return {key: PlanPage(page) for key, page in rows_by_page(rows).items()}
