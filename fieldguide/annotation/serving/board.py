"""What is before whom, as plan, log and Label Studio have it at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.label_studio.client import address_of, speaking
from fieldguide.annotation.label_studio.projects import Project, find_projects
from fieldguide.annotation.label_studio.reading import served
from fieldguide.annotation.label_studio.tasks import list_tasks
from fieldguide.annotation.planning.pages import PlanPage
from fieldguide.annotation.progress.snapshot import Snapshot
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio


@dataclass(frozen=True)
class TaskPlace:
    """The task of Label Studio that holds a page; `closed`: its project takes no more answers."""

    project: int
    task: int
    closed: bool = False


@dataclass(frozen=True)
class PageBoard:
    """What is before whom.

    Attributes:
        now: plan and log.
        places: of the pages that were pushed, by page_key.
        answered: names of those who gave an answer to a page, pulled or not, by page_key.
    """

    now: Snapshot
    places: Mapping[str, TaskPlace]
    answered: Mapping[str, frozenset[str]]

    @cached_property
    def _due(self) -> Mapping[str, list[PlanPage]]:
        pages = [self.now.pages[key] for key in self.now.due - self.now.done if key in self.places]
        pages = [page for page in pages if page.subtopic_id in self.now.subtopics]
        return grouped((page.rows[0].assessor, page) for page in sorted(pages, key=lambda p: (p.queue, p.key)))

    def ready(self) -> PageBoard:
        """Itself, with what all requests rest on worked out: whoever asks first after a look does not wait for it."""
        _ = self._due, self.judged
        return self

    def asked(self, person: str) -> Iterator[PlanPage]:
        """Pages that a person is to judge now, in their order, also those that were answered and not pulled."""
        name = ANYBODY if ANYBODY in self._due and person != self.now.annotate.adjudicator else person
        for page in self._due.get(name, []):
            place, by = self.places[page.key], self.answered.get(page.key, frozenset())
            taken = name == ANYBODY and len(by - {person}) >= self.now.annotate.overlap
            if not place.closed and not taken and page.mark[2] in self.now.versions:
                yield page

    def is_asked(self, person: str, page: PlanPage) -> bool:
        """Whether a page is this person's to answer."""
        asked = page.rows[0].assessor
        return person == asked or (asked == ANYBODY and person in self.now.annotate.assessors)

    @cached_property
    def judged(self) -> Mapping[tuple[str, str], list[LogEntry]]:
        """Current lines of the log by (assessor, page_key)."""
        page_of = {(row.assessor, row.task_key): row.page_key for row in self.now.rows}
        found = []
        for entry in current(self.now.entries):
            key = page_of.get((entry.assessor, entry.key)) or page_of.get((ANYBODY, entry.key))
            if key is not None:
                found.append(((entry.assessor, key), entry))
        return grouped(found)


def read_board(now: Snapshot, client: LabelStudio, benchmark: str, names: Mapping[int, str]) -> PageBoard:
    """Ask Label Studio which pages it holds and who answered them.

    Args:
        now: plan and log.
        client: speaks as the manager.
        benchmark: params.release.name.
        names: of the server's users, by number.

    Raises:
        ServerError: see client.speaking.
    """
    places: dict[str, TaskPlace] = {}
    answered: dict[str, frozenset[str]] = {}
    for project in find_projects(client, benchmark):
        with speaking(address_of(client)):
            for key, task, by in _held(client, project, names):
                if key not in places or by:
                    places[key] = TaskPlace(project.id, task, project.closed)
                answered[key] = answered.get(key, frozenset()) | frozenset(by)
    return PageBoard(now, places, answered).ready()


def _held(client: LabelStudio, project: Project, names: Mapping[int, str]) -> Iterator[tuple[str, int, Iterable[str]]]:
    """Page key, task and who answered, of every page of a project."""
    if project.assessor != ANYBODY:  # who answered is known, and this list is a third of the other's cost
        for listed in list_tasks(client, project.id):
            if listed.page_key is not None:
                yield listed.page_key, listed.task, [project.assessor] if listed.annotated else []
        return
    for page in served(client, project.id):
        if page.page_key is not None:
            authors = [given.author for given in page.given if not given.cancelled and given.author is not None]
            yield page.page_key, page.task, [names[author] for author in authors if author in names]
