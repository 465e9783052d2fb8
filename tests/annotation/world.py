"""A model of an annotation server that lets anybody do anything, and of the log that pull keeps of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import Guideline, read_guideline
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.label_studio.reading import Given, Served
from fieldguide.annotation.sync.offers import ServerUsers
from fieldguide.annotation.sync.reconcile import Reconciled, reconcile
from fieldguide.records.plan import PlanRow, plan_rows
from tests.annotation.real_server import people_params
from tests.annotation.served_plan import GUIDELINES, small_plan

USERS = {"ada": 11, "ben": 12, "cleo": 13, "dora": 14}
MANAGER, STRANGER = 1, 99
PEOPLE = ServerUsers({number: name for name, number in USERS.items()}, ("ada", "ben", "cleo"), MANAGER)
GUIDELINE: Guideline = read_guideline(GUIDELINES)
ROWS: list[PlanRow] = plan_rows(small_plan(people_params(page=2, overlap=2), subtopics=2, images=4, adjudicate=1))
PAGES = sorted({row.page_key for row in ROWS})


def rows_of(page_key: str) -> list[PlanRow]:
    return sorted((row for row in ROWS if row.page_key == page_key), key=lambda row: row.position)


@dataclass
class World:
    """A server that lets anybody do anything, and the log that reconciling keeps; `said`: who ever gave what."""

    folder: Path
    tasks: dict[int, Served] = field(default_factory=dict)
    said: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    clock: int = 0
    numbers: int = 0

    def __post_init__(self) -> None:
        for key in PAGES:
            self.add_task(key)

    @property
    def path(self) -> Path:
        return self.folder / "log.jsonl"

    def tick(self) -> str:
        self.clock += 1
        return f"2026-01-01T{self.clock // 3600:02d}:{self.clock // 60 % 60:02d}:{self.clock % 60:02d}.000000Z"

    def add_task(self, page_key: str) -> int:
        task = max(self.tasks, default=0) + 1
        rows = rows_of(page_key)
        self.tasks[task] = Served(
            project=1, task=task, page_key=page_key, task_keys=tuple(row.task_key for row in rows),
            pictures=tuple(row.image_id for row in rows), updated_at=self.tick(), updated_by=MANAGER,
            given=(),
        )  # fmt: skip
        return task

    def put(self, task: int, given: tuple[Given, ...], user: int) -> None:
        self.tasks[task] = dataclasses.replace(self.tasks[task], given=given, updated_by=user, updated_at=self.tick())

    def answer(self, task: int, person: str, choices: dict[int, str]) -> int:
        self.numbers += 1
        user = USERS[person]
        new = Given(self.numbers, user, user, self.tick(), 4.0, False, result_of(choices))
        self.remember(task, person, choices)
        self.put(task, (*self.tasks[task].given, new), user)
        return self.numbers

    def remember(self, task: int, person: str, choices: dict[int, str]) -> None:
        keys = self.tasks[task].task_keys
        for position, choice in choices.items():
            if position <= len(keys):
                self.said.setdefault((person, keys[position - 1]), set()).add(choice)

    def change(self, task: int, which: int, user: int, **fields: Any) -> None:
        given = list(self.tasks[task].given)
        given[which] = dataclasses.replace(given[which], updated_by=user, updated_at=self.tick(), **fields)
        self.put(task, tuple(given), user)

    def delete(self, task: int, which: int, user: int) -> None:
        given = self.tasks[task].given
        self.put(task, given[:which] + given[which + 1 :], user)

    def entries(self) -> tuple[LogEntry, ...]:
        return log.read(self.path).entries if self.path.exists() else ()

    def reconcile(self, **options: bool) -> Reconciled:
        served = [self.tasks[task] for task in sorted(self.tasks)]
        tasks = {1: frozenset(self.tasks)}
        return reconcile(served, tasks, ROWS, self.entries(), {GUIDELINE.version: GUIDELINE}, PEOPLE, **options)

    def pull(self, **options: bool) -> Reconciled:
        found = self.reconcile(**options)
        if found.judgments:
            log.append(self.path, found.judgments)
        return found

    def holds(self) -> dict[tuple[str, str], str | None]:
        return {(e.assessor, e.key): e.choice for e in log.current(self.entries())}


def asked(assessor: str, number: int = 0) -> tuple[str, int]:
    """A page of an assessor, and its task in a new world."""
    keys = [key for key in PAGES if rows_of(key)[0].assessor == assessor and rows_of(key)[0].purpose == "judge"]
    return keys[number], PAGES.index(keys[number]) + 1
