"""What the server has now, project by project, in one cheap call each: no export, no list of tasks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.label_studio.client import address_of, speaking
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.label_studio.reading import totals
from fieldguide.annotation.planning.pages import Group
from fieldguide.annotation.sync.cursor import read_cursor
from fieldguide.core.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from label_studio_sdk import LabelStudio


@dataclass(frozen=True)
class ProjectStatus:
    """One project of ours, as the server has it now.

    Attributes:
        pages: tasks that it has.
        answered: annotations that it has: one a page and person.
        not_pulled: of these, as far as the totals tell; an edited answer is not among them.
        closed: it gets no more pages.
    """

    project: int
    assessor: str
    group: Group
    pages: int
    answered: int
    not_pulled: int
    closed: bool


def project_statuses(
    client: LabelStudio, paths: Paths, benchmark: str, entries: Iterable[LogEntry]
) -> list[ProjectStatus]:
    """All projects of a benchmark, by number.

    Raises:
        ServerError: see client.speaking.
    """
    cursor = read_cursor(paths.annotation_state / "pull.json")
    taken: dict[int, set[int]] = defaultdict(set)
    for entry in current(entries):
        if entry.source is not None:
            taken[entry.source.project].add(entry.source.annotation)
    found = []
    for project in find_projects(client, benchmark):
        with speaking(address_of(client)):
            now = totals(client, project.id)
        if now is None:  # deleted a moment ago
            continue
        seen = cursor.projects.get(project.id) if cursor else None
        read = seen.annotations if seen else len(taken[project.id])
        found.append(
            ProjectStatus(
                project=project.id,
                assessor=project.assessor,
                group=project.group,
                pages=now.tasks,
                answered=now.annotations,
                not_pulled=max(0, now.annotations - read),
                closed=project.closed,
            )
        )
    return found
