"""Exclusion: whose judgments count for nothing, by a decision that params.yaml records. The log keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.core.errors import Problem, ProblemsError


@dataclass(frozen=True)
class ExcludedPerson:
    """Somebody whose judgments count for nothing, and why; `judgments`: how many stand in the log."""

    assessor: str
    reason: str
    judgments: int

    def __str__(self) -> str:
        what = f"{self.judgments} judgments stay in the log and count for nothing"
        return f"{self.assessor} is excluded (adjudicate.excluded), {what}: {self.reason}"


def excluded_people(
    excluded: Mapping[str, str], entries: Iterable[LogEntry], people: Collection[str]
) -> tuple[ExcludedPerson, ...]:
    """Those whom params.yaml excludes, by name.

    Args:
        excluded: adjudicate.excluded, reasons by name.
        entries: the log.
        people: whom params.yaml asks.

    Raises:
        ProblemsError: names that nobody has, all of them.
    """
    if not excluded:
        return ()
    judged = Counter(entry.assessor for entry in current(entries))
    known = sorted({*people, *judged})
    problems = [
        Problem(
            f"adjudicate.excluded: {name}", f"nobody of that name is asked or has judged; known: {', '.join(known)}"
        )
        for name in sorted(set(excluded) - set(known))
    ]
    if problems:
        raise ProblemsError("params.yaml excludes people whom nobody knows:", problems)
    return tuple(ExcludedPerson(name, excluded[name], judged[name]) for name in sorted(excluded))


def without(entries: Iterable[LogEntry], excluded: Collection[str]) -> list[LogEntry]:
    """Lines of the log that are of nobody excluded."""
    return [entry for entry in entries if entry.assessor not in excluded]
