"""How many of the judgments that a row of the plan asks for are in the log. The one place that counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.records.plan import ANYBODY, PlanRow


class AnswerCounts:
    """The log's current judgments, looked up by what was asked."""

    def __init__(self, entries: Iterable[LogEntry], overlap: int) -> None:
        """`overlap`: judgments wanted of each image of a shared project (of `anybody`)."""
        self._overlap = overlap
        self._names: dict[str, set[str]] = defaultdict(set)
        # An adjudicator's ruling has the key of what it rules on, and is nobody's vote on it.
        self._assessors: dict[str, set[str]] = defaultdict(set)
        for entry in current(entries):
            self._names[entry.key].add(entry.assessor)
            if entry.role == "assessor":
                self._assessors[entry.key].add(entry.assessor)

    def wanted(self, row: PlanRow) -> int:
        """Judgments that the row asks for."""
        return self._overlap if row.assessor == ANYBODY else 1

    def given(self, row: PlanRow) -> int:
        """Of the wanted ones, those that are in."""
        if row.assessor == ANYBODY:
            return min(self._overlap, len(self._assessors.get(row.task_key, ())))
        return int(row.assessor in self._names.get(row.task_key, ()))

    def complete(self, row: PlanRow) -> bool:
        """All that are wanted are in."""
        return self.given(row) == self.wanted(row)
