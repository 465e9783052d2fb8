"""What is due, done and in force, from the files of a benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import archive
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.snapshot import read_snapshot
from fieldguide.annotation.sync.pull import Pulled
from fieldguide.core.paths import Paths
from fieldguide.records.plan import PlanRow
from tests.annotation.planned_benchmark import planned

WAVES = {"rule": "consecutive", "count": 50, "wave": 1}


def judge(paths: Paths, rows: list[PlanRow], choice: str = "plainly-visible", grade: int = 2) -> None:
    guideline = archive(paths.annotation / "guidelines.md", paths.used_guidelines)
    assert guideline.choices[choice] == grade
    paths.judgments.touch()
    log.append(
        paths.judgments,
        [
            Judgment(
                subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=row.assessor, grade=grade, choice=choice,
                guideline=row.guideline, pass_=row.pass_,
                role="adjudicator" if row.purpose == "adjudicate" else "assessor",
            )
            for row in rows
        ],
    )  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> tuple[Paths, Annotate]:
    paths, params = planned(tmp_path, stopping=WAVES, assessors=["ada", "ben", "cleo"], adjudicator="dora", overlap=2)
    return paths, params.annotate


def test_a_wave_that_all_have_judged_makes_the_next_due_and_that_is_what_a_pull_tells(
    site: tuple[Paths, Annotate],
) -> None:
    paths, annotate = site
    first = read_snapshot(paths, annotate)
    assert first.due and first.due < set(first.pages) and not first.done
    judge(paths, [row for row in first.rows if row.page_key in first.due])
    second = read_snapshot(paths, annotate)
    assert second.done == first.due < second.due
    appended = len(second.entries)
    pulled = Pulled(True, 1, 0, 0, appended, 0, 0, 0, 0, 0, 0, ())
    assert Annotation(paths, annotate, "tiny").newly_due(pulled) == len(second.due - first.due)


def test_disputes_are_due_while_somebody_decides_them(site: tuple[Paths, Annotate]) -> None:
    paths, annotate = site
    now = read_snapshot(paths, annotate)
    shared = [row for row in now.rows if row.pair == now.rows[0].pair]
    judge(paths, shared[:1])
    judge(paths, shared[1:], "not-visible", 0)
    new = Annotation(paths, annotate, "tiny").ask_adjudicator()
    (key,) = set(new["page_key"])
    assert key in read_snapshot(paths, annotate).due
    for decider in (None, "erin"):
        other = annotate.model_copy(update={"adjudicator": decider})
        assert key not in read_snapshot(paths, other).due
