"""Three people and an adjudicator over several days: a log, questions and training, without a server."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from fieldguide.annotation.correspondence import log as correspondence
from fieldguide.annotation.correspondence.log import AssessorQuestion, QuestionReply, TrainingAnswer
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.judgments.log import Judgment, ServerRecord
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.planning.pages import rows_by_page
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.plan import PLAN, PlanRow, plan_rows
from tests.annotation.planned_benchmark import planned
from tests.annotation.real_server import REPOSITORY

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHOICES = read_guideline(REPOSITORY / "annotation" / "guidelines.md").choices
WRONG = {"ada": 0.05, "ben": 0.15, "cleo": 0.3, "dora": 0.0}
TEXTS = ("Is <script>alert(1)</script> this one?", '"=1+1"\r\nand\rmore, "quoted"', "Is the leaf part of it?")


@dataclass(frozen=True)
class Judged:
    """A benchmark that people are judging."""

    paths: Paths
    params: Params

    @property
    def annotation(self) -> Annotation:
        return Annotation(self.paths, self.params.annotate, self.params.release.name)


def truth(row: PlanRow) -> int:
    """Of every pair the same."""
    return int(row.image_id[-1], 16) % 3


def give(judged: Judged, names: Iterable[str], share: float, seed: int = 0) -> None:
    """Everybody named judges that share of the own pages, some hours a day from START on, with pauses."""
    rng = np.random.default_rng(seed)
    pages = rows_by_page(plan_rows(PLAN.read(judged.paths.asked)))
    said, number = [], 0
    for name in names:
        mine = [rows for rows in pages.values() if rows[0].assessor == name]
        clock = START
        for n, rows in enumerate(mine[: round(share * len(mine))]):
            number += 1
            took = float(rng.uniform(1.5, 5)) * len(rows)
            pause = float(rng.choice([2.2, 2.2, 30.0, 400.0]))
            clock += timedelta(seconds=round(took + pause, 3))
            if n % 9 == 8:
                clock = (clock + timedelta(days=1)).replace(hour=8, minute=30)
            if n == 4:
                took = 9 * 3600.0  # a tab that stayed open
            said += [_judgment(name, row, rng, clock, took / len(rows), number) for row in rows]
    said.sort(key=lambda j: (j.judged_at, j.assessor))
    log.append(judged.paths.judgments, said)


def _judgment(name: str, row: PlanRow, rng: np.random.Generator, at: datetime, seconds: float, number: int) -> Judgment:
    grade = truth(row)
    if rng.random() < WRONG[name]:
        grade = (grade + int(rng.integers(1, 3))) % 3
    choice = next(choice for choice, given in CHOICES.items() if given == grade)
    return Judgment(
        subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=name, grade=grade, choice=choice,
        guideline=row.guideline, judged_at=at.isoformat(), pass_=row.pass_, seconds=round(seconds, 3),
        role="adjudicator" if row.purpose == "adjudicate" else "assessor",
        source=ServerRecord(project=1, task=number, annotation=number),
    )  # fmt: skip


def change_a_mind(judged: Judged, seconds: float = 21.0) -> None:
    """Ada gives her first page again, with one other answer, some minutes after her last."""
    entries = log.read(judged.paths.judgments).entries
    mine = [entry for entry in entries if entry.assessor == "ada"]
    first = [entry for entry in mine if entry.source == mine[0].source]
    last = datetime.fromisoformat(str(mine[-1].judged_at))
    choice = next(choice for choice, grade in CHOICES.items() if grade is None)
    total = sum(entry.seconds or 0 for entry in first) + seconds
    old = first[0].model_dump(include=set(Judgment.model_fields))
    new = old | {
        "choice": choice, "grade": None, "action": "superseded", "supersedes": first[0].hash,
        "judged_at": (last + timedelta(minutes=5)).isoformat(), "seconds": round(total / len(first), 3),
        "source": first[0].source,
    }  # fmt: skip
    log.append(judged.paths.judgments, [Judgment.model_validate(new)])


def say(judged: Judged) -> None:
    """Three questions, one answered twice, one to everybody; two rounds of ben's training."""
    rows = plan_rows(PLAN.read(judged.paths.asked))
    at = START.isoformat()
    asked = [
        AssessorQuestion(
            at=at, by=row.assessor, page_key=row.page_key, subtopic_id=row.subtopic_id,
            image_id=row.image_id if n else None, flag=n == 2, text=text,
        )
        for n, (row, text) in enumerate(zip(rows, TEXTS, strict=False))
    ]  # fmt: skip
    replies = [
        QuestionReply(at=at, by="manager", question=1, text="No."),
        QuestionReply(at=at, by="manager", question=1, faq=True, text="For everybody: no."),
    ]
    trained = [
        TrainingAnswer(
            at=at, by="ben", round=number, guideline="g", subtopic_id="t.e1", image_id=f"i{n}", choice="c", expected=0,
            right=n < right,
        )
        for number, right in ((1, 2), (2, 4))
        for n in range(4)
    ]  # fmt: skip
    correspondence.append(judged.paths.correspondence, [*asked, *replies, *trained])


def benchmark(root: Path, **annotate: object) -> Judged:
    """A planned benchmark with gold among the images; nobody has judged."""
    section = {"adjudicator": "dora", "repeat_share": 0.1, "gold": "annotation/gold.csv", **annotate}
    judged = Judged(*planned(root / "benchmark", **section))
    pairs = sorted({row.pair: row for row in plan_rows(PLAN.read(judged.paths.asked))}.values())[::5]
    with (judged.paths.root / "annotation" / "gold.csv").open("w", newline="") as stream:
        rows = [("subtopic_id", "image_id", "grade"), *((row.subtopic_id, row.image_id, truth(row)) for row in pairs)]
        csv.writer(stream).writerows(rows)
    return judged


def busy(root: Path) -> Judged:
    """Half of it judged over several days, disputes, some of them ruled on, a changed mind, questions, training."""
    judged = benchmark(root)
    give(judged, ("ada", "ben", "cleo"), 0.7)
    change_a_mind(judged)
    judged.annotation.ask_adjudicator(partial=True)
    give(judged, ("dora",), 0.5, seed=1)
    say(judged)
    return judged
