"""Running every check over a subject."""

from __future__ import annotations

from dataclasses import dataclass

from fieldguide.checks.audit.checks import (  # noqa: F401 - importing a family registers its checks
    answers,
    images,
    labels,
    naming,
    numbers,
    pairs,
    pools,
    prompts,
    spelling,
    structure,
    text,
)
from fieldguide.checks.audit.checks.numbers import Level, levels
from fieldguide.checks.audit.finding import SEVERITIES, AuditFinding, Observation, Place, Severity, worst_first
from fieldguide.checks.audit.registry import CHECKS, AuditCheck
from fieldguide.checks.audit.subject import AuditSubject

__all__ = ["CHECKS", "AuditReport", "audit"]


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Attributes:
        name: of the collection; `format`: how it was read.
        counts: questions, pools, images, labels, relevant.
        findings: worst first.
        passed: checks that ran and found nothing.
        not_run: checks that need an input that was not given, with the name of that input.
        chance: reported scores beside chance.
    """

    name: str
    format: str
    counts: dict[str, int]
    findings: tuple[AuditFinding, ...]
    passed: tuple[str, ...]
    not_run: dict[str, str]
    chance: tuple[Level, ...]

    def worst(self) -> Severity | None:
        """The worst severity that occurs."""
        return min((f.severity for f in self.findings), key=SEVERITIES.index, default=None)


def audit(subject: AuditSubject) -> AuditReport:
    """Run every check whose inputs are there. The same inputs give the same report."""
    findings: list[AuditFinding] = []
    passed: list[str] = []
    not_run: dict[str, str] = {}
    for check in CHECKS.values():
        if not subject.has(check.need):
            not_run[check.name] = str(check.need)
            continue
        found = [_finding(check, seen, subject.home) for seen in check.observe(subject)]
        findings += found
        if not found:
            passed.append(check.name)
    collection = subject.collection
    return AuditReport(
        collection.name,
        collection.format,
        _counts(subject),
        tuple(sorted(findings, key=worst_first)),
        tuple(passed),
        not_run,
        levels(subject) if subject.scores else (),
    )


def _finding(check: AuditCheck, seen: Observation, home: str) -> AuditFinding:
    """A finding without `home` in its places: a report may be published, this machine's paths not."""
    rows = tuple(Place(row.where.replace(home, ""), row.shows.replace(home, "")) for row in seen.rows)
    return AuditFinding(check.name, seen.severity, seen.confidence, seen.title, seen.evidence, check.advice, rows)


def _counts(subject: AuditSubject) -> dict[str, int]:
    pools_there = subject.collection.pools
    return {
        "questions": len(subject.collection.questions),
        "pools": len(pools_there),
        "images": len({image for pool in pools_there for image in pool.labels}),
        "labels": sum(label is not None for pool in pools_there for label in pool.labels.values()),
        "relevant": sum(len(pool.relevant) for pool in pools_there),
    }
