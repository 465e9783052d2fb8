"""From a page of the plan to the task that is put on the server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from fieldguide.annotation.form.images import CannotShowError
from fieldguide.annotation.form.task import ShownPage, predictions, task_data
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair, votes
from fieldguide.annotation.planning.pages import PlanPage
from fieldguide.annotation.planning.section import Preannotation
from fieldguide.records.plan import PlanRow
from fieldguide.records.topics import Subtopic


class Addresses(Protocol):
    """Where a browser finds images: `Pictures`, or whatever else serves them."""

    def references(self, entity_id: str) -> tuple[str, ...]:
        """Images that surely show the entity."""

    def address(self, image_id: str, *, reference: bool = False) -> str:
        """Raises CannotShowError where there is none."""


@dataclass(frozen=True)
class PageTask:
    """A page as a task of the server, `task` None if no image of it can be shown; and why images cannot, by pair."""

    page: PlanPage
    task: dict[str, Any] | None
    unshowable: dict[Pair, str]


class Guesses:
    """A model's guess for each pair: what it ranks within `relevant` has the highest grade, all else grade 0."""

    def __init__(self, run: pd.DataFrame, preannotation: Preannotation, guideline: Guideline) -> None:
        """`run`: as fieldguide.records.runs.read_run gives it."""
        top = run[run["rank"] <= preannotation.relevant]
        self._top = set(zip(top["subtopic_id"], top["image_id"], strict=True))
        by_grade = {grade: choice for choice, grade in guideline.choices.items() if grade is not None}
        self._best, self._none = by_grade[max(by_grade)], by_grade[0]

    def of(self, row: PlanRow) -> str:
        """The guess for a row, as a choice of the guideline."""
        return self._best if row.pair in self._top else self._none


class Composer:
    """Turns pages into tasks."""

    def __init__(
        self,
        subtopics: Mapping[str, Subtopic],
        names: Mapping[str, str],
        pictures: Addresses,
        guesses: Mapping[str, Guesses],
        entries: Collection[LogEntry],
    ) -> None:
        """`names` of entities by entity_id; `guesses` by guideline version, empty where nothing is shown first."""
        self._subtopics, self.names, self._pictures = subtopics, names, pictures
        self._guesses, self._entries = guesses, entries

    def task(self, page: PlanPage, guideline: Guideline, tiles: int) -> PageTask:
        """A page as the server is given it. Images that cannot be shown leave their tile blank: nobody is asked."""
        addresses: dict[int, str] = {}
        refused: dict[Pair, str] = {}
        for row in page.rows:
            try:
                addresses[row.position] = self._pictures.address(row.image_id)
            except CannotShowError as error:
                refused[row.pair] = str(error)
        if not addresses:
            return PageTask(page, None, refused)
        asked = self.shown(page, addresses)
        task: dict[str, Any] = {"data": task_data(asked, tiles)}
        guesses = predictions(asked, tiles)
        return PageTask(page, task | ({"predictions": guesses} if guesses else {}), refused)

    def shown(self, page: PlanPage, addresses: Mapping[int, str]) -> ShownPage:
        """What a person sees of a page; `addresses` of its images by position, without those that cannot be shown."""
        subtopic = self._subtopics[page.subtopic_id]
        first, rows = page.rows[0], page.rows
        guesses = self._guesses.get(first.guideline) if first.sighted else None
        given = self._votes if first.purpose == "adjudicate" else {}
        return ShownPage(
            page_key=page.key,
            question=subtopic.topic.text,
            entity=self.names.get(subtopic.entity_id, subtopic.entity_id),
            feature=subtopic.topic.feature,
            part=subtopic.topic.part,
            references=tuple(self._shown_references(subtopic.entity_id)),
            images=tuple(addresses.get(row.position, "") for row in rows),
            items=tuple((row.task_key, row.image_id) for row in rows),
            guesses=tuple(guesses.of(row) for row in rows) if guesses else (),
            votes=tuple(given.get(row.pair, ()) for row in rows) if given else (),
        )

    def _shown_references(self, entity_id: str) -> Iterable[str]:
        for image_id in self._pictures.references(entity_id):
            try:
                yield self._pictures.address(image_id, reference=True)
            except CannotShowError:
                continue  # a reference less; it is judged by nobody, and named where the corpus is checked

    @cached_property
    def _votes(self) -> dict[Pair, tuple[str, ...]]:
        """What assessors chose, without their names."""
        return {
            pair: tuple(sorted(str(vote.choice) for vote in by.values())) for pair, by in votes(self._entries).items()
        }
