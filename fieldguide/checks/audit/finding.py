"""What an audit finds, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
Confidence = Literal["certain", "likely", "possible"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Worst first. error: data are lost, contradict each other or cannot be scored; warning: scores mean less than they
seem to, or records may be lost; note: worth knowing or mending, and hardly seen in a score."""
CONFIDENCES: tuple[Confidence, ...] = ("certain", "likely", "possible")
"""certain: it follows from the data; likely: chance or another reason would seldom look so; possible: have a look."""


class Place(NamedTuple):
    """One place of a finding: file and line or key, and what is there."""

    where: str
    shows: str


class Observation(NamedTuple):
    """What one check saw. `title` says it in one sentence; `evidence` gives the numbers; `rows` all the places."""

    severity: Severity
    confidence: Confidence
    title: str
    evidence: str
    rows: tuple[Place, ...] = ()


@dataclass(frozen=True)
class AuditFinding:
    """An observation, the check it comes from, and what to do about it."""

    check: str
    severity: Severity
    confidence: Confidence
    title: str
    evidence: str
    advice: str
    rows: tuple[Place, ...]


def worst_first(finding: AuditFinding) -> tuple[int, int, str]:
    """Sort key of findings: severity, then how sure, then the check's name."""
    return SEVERITIES.index(finding.severity), CONFIDENCES.index(finding.confidence), finding.check


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 question`, `3 questions`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
