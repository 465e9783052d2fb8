"""The two published files: what is there is found, and nothing is made up about what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.checks.audit.run import AuditReport, audit
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.formats.reading import read
from tests.published import INQUIRE_RERANK_HARD, VISUAL_RAG_ME, benchmarks

__all__ = ["benchmarks"]


@pytest.fixture(scope="module")
def visual_rag_me(benchmarks: Path) -> AuditReport:
    return audit(AuditSubject(read(None, benchmarks / VISUAL_RAG_ME), home=f"{benchmarks}/"))


@pytest.fixture(scope="module")
def inquire(benchmarks: Path) -> AuditReport:
    return audit(AuditSubject(read(None, benchmarks / INQUIRE_RERANK_HARD), home=f"{benchmarks}/"))


def lines(report: AuditReport, check: str) -> list[str]:
    """Paths of a check's findings without the file's name."""
    found = [f for f in report.findings if f.check == check]
    return [row.where.partition(".json")[2].lstrip("l: ") for f in found for row in f.rows]


def test_visual_rag_me(visual_rag_me: AuditReport) -> None:
    assert lines(visual_rag_me, "structure.missing-field") == [str(n) for n in range(43, 51)]
    assert lines(visual_rag_me, "text.doubled-word") == ["3"]
    assert lines(visual_rag_me, "text.quotes") == ["9"]
    assert lines(visual_rag_me, "text.question-mark") == ["39", "18"]
    assert lines(visual_rag_me, "text.near-phrase") == ["1", "31"]
    assert lines(visual_rag_me, "text.double-comparative") == ["37"]
    assert lines(visual_rag_me, "pairs.like-names") == ["12"]
    assert len(lines(visual_rag_me, "pools.single-entity")) == 100
    cap = next(f for f in visual_rag_me.findings if f.check == "pools.positive-cap")
    assert cap.title == "Positives are cut off at 50 in pools named entity_2"
    assert len(cap.rows) == 14


def test_visual_rag_me_states_its_counts_rightly(visual_rag_me: AuditReport) -> None:
    assert {"labels.stated-counts", "labels.stated-names", "labels.contradictory"} <= set(visual_rag_me.passed)


def test_inquire_rerank_hard(inquire: AuditReport) -> None:
    assert {f.check for f in inquire.findings} == {
        "labels.entity-decides", "pools.few-positives", "pools.single-entity", "pools.size-cap", "power.topics",
        "text.initial-case", "text.spelling",
    }  # fmt: skip
    assert lines(inquire, "pools.single-entity") == ["item 4 images", "item 30 images"]
    assert len(lines(inquire, "labels.entity-decides")) == 9  # the species alone tells what is relevant
