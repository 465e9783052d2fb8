"""How far pull has read each project. An optimisation: without it, or where it fits no longer, all is read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from fieldguide.annotation.label_studio.reading import Served, Totals, overlap, served, totals
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, read_json
from fieldguide.core.progress import Track, silent

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio


class Seen(BaseModel):
    """One project as it was read.

    Attributes:
        newest: the server's time of the last change before the reading began.
        annotations: how many it had, as the server counts them.
        counts: how many were read of every task, by its number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    newest: str | None
    annotations: int
    counts: dict[int, int]

    @property
    def unread(self) -> int:
        """Annotations that the server counts and its list of tasks did not hold."""
        return self.annotations - sum(self.counts.values())


class Cursor(BaseModel):
    """What was read, and for which log.

    Attributes:
        context: hash of all that decides what is taken of what was read (server, plan, people, guidelines).
        head: last line of the log that the reading went into; None where the log had no line.
        quarantine: sha256 of quarantine.jsonl afterwards; None where there was none.
        projects: by number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    context: str
    head: str | None
    quarantine: str | None
    projects: dict[int, Seen]


@dataclass(frozen=True)
class Reading:
    """A project as it is now: what changed, or all of it (`whole`)."""

    pages: tuple[Served, ...]
    seen: Seen
    whole: bool


def read_cursor(path: Path) -> Cursor | None:
    """The cursor, or None where there is none that can be read: then all is read again."""
    if not path.exists():
        return None
    try:
        return Cursor.model_validate(read_json(path))
    except (FieldguideError, ValidationError):
        return None


def write_cursor(path: Path, cursor: Cursor) -> None:
    """Write it whole or not at all."""
    with atomic_open(path) as stream:
        stream.write(cursor.model_dump_json() + "\n")


def read_project(client: LabelStudio, project: int, seen: Seen | None, track: Track = silent) -> Reading | None:
    """What changed since `seen`, or everything where that cannot be told; None where the project is gone.

    Changes are asked for by time, and what they amount to is checked against the server's totals: a task that
    vanished, or annotations that left no trace in the times, make the totals differ.

    Raises:
        FieldguideError: the server lists fewer tasks, or more, than it counts.
    """
    for _ in range(2):  # somebody may have answered between the two calls
        now = totals(client, project)
        if now is None:
            return None
        if seen is None or seen.newest is None or now.newest is None:
            break
        pages = tuple(served(client, project, overlap(seen.newest)))
        after = _advance(seen, now, pages)
        if (len(after.counts), after.annotations) == (now.tasks, now.annotations):
            return Reading(pages, after, whole=False)
    return _read_whole(client, project, track)


def _advance(seen: Seen, now: Totals, pages: tuple[Served, ...]) -> Seen:
    new = {page.task: len(page.given) for page in pages}
    more = sum(count - seen.counts.get(task, 0) for task, count in new.items())
    return Seen(newest=now.newest, annotations=seen.annotations + more, counts={**seen.counts, **new})


def _read_whole(client: LabelStudio, project: int, track: Track) -> Reading | None:
    before = totals(client, project)
    if before is None:
        return None
    listed = served(client, project)
    pages = tuple(track(listed, f"reading project {project}", unit="pages", total=before.tasks))
    counts = {page.task: len(page.given) for page in pages}
    after = totals(client, project)
    if before == after and len(counts) != before.tasks:
        raise FieldguideError(
            f"project {project}: the server counts {before.tasks} tasks and listed {len(counts)}; nothing was pulled, "
            "since what is not listed would look deleted"
        )
    # Where nothing moved meanwhile, the server's own total is kept: should it differ, `Seen.unread` tells.
    annotations = before.annotations if before == after else sum(counts.values())
    return Reading(pages, Seen(newest=before.newest, annotations=annotations, counts=counts), whole=True)


def tasks_of(readings: Mapping[int, Reading]) -> dict[int, frozenset[int]]:
    """Every task on the server, by project."""
    return {project: frozenset(reading.seen.counts) for project, reading in readings.items()}
