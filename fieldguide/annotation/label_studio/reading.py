"""What the annotation server holds, as plain records; nothing in them is trusted.

Read through the Data Manager's list of tasks, which filters by what changed since a time of the server's own
clock. The server's export is no faster and cannot do that, and each call leaves a copy of all answers on the
server's disk.

What the server tells (1.23, SQLite and PostgreSQL): creating, editing and deleting an annotation one by one or in
bulk moves its task's `updated_at`. Moving annotations between duplicated tasks and copying one annotation to many
tasks (actions of the Data Manager) do not, nor does an annotation after which the server died at once: it is there,
and its task's time and counters know nothing of it. The project's own counts, made from the rows themselves, do.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.form.task import TILES
from fieldguide.annotation.judgments.log import is_time
from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

BATCH = 500
# Fields of tasks and of their annotations, by name. What is left out would take two thirds of the server's time.
_INCLUDE = "id,data,updated_at,updated_by,annotations,result,completed_by,was_cancelled,lead_time"
_COUNTS = ("task_number", "total_annotations_number", "skipped_annotations_number")
_PAGE_KEY = re.compile(r"[0-9a-f]{64}")
# An annotation's time is taken some milliseconds before it can be read; what is newer than this is read again.
_OVERLAP = timedelta(seconds=2)
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Given:
    """One annotation: what a user of the server gave for a task.

    Attributes:
        annotation: its number on the server.
        author: number of the user whose annotation it is; whoever posts one may name anybody here.
        updated_by: number of the user who wrote it last, as the server saw; None where it was made in bulk.
        updated_at: the server's time, ISO 8601 with offset; None where it is none.
        lead_time: seconds from showing the page to the last answer, all sittings together; None where it is no
            finite number from 0.
        cancelled: the page was skipped.
        result: what the form sent, as parsed JSON of any shape.
    """

    annotation: int
    author: int | None
    updated_by: int | None
    updated_at: str | None
    lead_time: float | None
    cancelled: bool
    result: object


@dataclass(frozen=True, slots=True)
class Served:
    """One task of the server with all its annotations: a page as it is there.

    Attributes:
        page_key: that its data name; None where they name none, or what can be none.
        task_keys: that its data name, by position; empty where they are not of that shape.
        pictures: the fields that show the images, by position; long ones (images inside the task) are cut.
        updated_at: the server's time of the last change of the task or its annotations.
        updated_by: number of the user who made that change.
        given: in the order of their numbers.
    """

    project: int
    task: int
    page_key: str | None
    task_keys: tuple[str, ...]
    pictures: tuple[str, ...]
    updated_at: str | None
    updated_by: int | None
    given: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """How many tasks and annotations (skipped ones too) a project has; the last time of a task (None: no task)."""

    tasks: int
    annotations: int
    newest: str | None


def totals(client: LabelStudio, project: int) -> Totals | None:
    """Two cheap calls; None where the project is not (or no longer) on the server."""
    counts = _get(client, "api/projects/counts/", {"ids": str(project), "include": ",".join(("id", *_COUNTS))})
    rows = [row for row in _rows(counts, "results") if row.get("id") == project]
    newest = _list(client, project, {"ordering": ["-tasks:updated_at"]}, page_size=1)
    if not rows or newest is None:
        return None
    numbers = [_number(rows[0].get(name)) for name in _COUNTS]
    tasks, given, skipped = (-1 if number is None else number for number in numbers)
    if min(tasks, given, skipped) < 0:
        raise FieldguideError(f"project {project}: the server does not say how many tasks and annotations there are")
    last = _rows(newest, "tasks")
    return Totals(tasks, given + skipped, _time(last[0].get("updated_at")) if last else None)


def served(client: LabelStudio, project: int, since: str | None = None) -> Iterator[Served]:
    """Tasks with all their annotations, in the order of their numbers; those changed at or after `since` alone.

    Raises:
        FieldguideError: as `task_rows`.
    """
    for task, row in task_rows(client, project, BATCH, since):
        yield _served(project, task, row)


def task_rows(
    client: LabelStudio, project: int, batch: int, since: str | None = None, include: str = _INCLUDE
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Tasks as the server lists them, with and in the order of their numbers.

    Pages of the list are cut by task number, not by offset, so that tasks added or deleted meanwhile shift nothing.
    A page may be shorter than was asked for (hosts cap it: TASK_API_PAGE_SIZE_MAX), so that only the server's count
    of what is left, or an empty page, ends the list. A project that is deleted meanwhile ends it too.

    Raises:
        FieldguideError: the list does not go on; nothing of such a server can be relied on.
    """
    after = 0
    while True:
        items = [_filter("id", "greater", "Number", after)]
        if since is not None:
            items.append(_filter("updated_at", "greater_or_equal", "Datetime", since))
        query = {"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]}
        fields = "all" if include == _INCLUDE else "task_only"
        reply = _list(client, project, query, batch, fields, include)
        rows, left = _rows(reply, "tasks"), _number(_mapping(reply).get("total"))
        for row in rows:
            task = _number(row.get("id"))
            if task is None or task <= after:
                raise FieldguideError(
                    f"project {project}: the server listed task {task} after task {after}; "
                    "its list of tasks is not in order, so that it cannot be read completely"
                )
            after = task
            yield task, row
        if not rows or left == len(rows):
            return


def page_key_of(data: object) -> str | None:
    """The page that a task's data name; None where they name none, or what can be none."""
    key = _mapping(data).get("page_key")
    return key if isinstance(key, str) and _PAGE_KEY.fullmatch(key) else None


def _rows(reply: Mapping[str, Any] | None, name: str) -> list[Mapping[str, Any]]:
    rows = reply.get(name) if reply else None
    return [_mapping(row) for row in rows] if isinstance(rows, list) else []


def _filter(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def overlap(newest: str) -> str:
    """The time from which to read where everything up to `newest` was read."""
    # The one format that the server's filter understands.
    return (datetime.fromisoformat(newest) - _OVERLAP).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _list(
    client: LabelStudio,
    project: int,
    query: Mapping[str, Any],
    page_size: int,
    fields: str = "task_only",
    include: str = _INCLUDE,
) -> Mapping[str, Any] | None:
    """One page of the list of tasks; None where there is no such project."""
    return _get(
        client,
        "api/tasks/",
        {
            "project": project, "query": json.dumps(query), "page_size": page_size, "fields": fields,
            "resolve_uri": False, "include": include,
        },
    )  # fmt: skip


def _get(client: LabelStudio, path: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the server says, as its JSON; None where it says 404.

    The SDK's own call guesses from the values which of three kinds of records a task may be, so that one field is
    text in one task and a time in the next. Its connection and its errors are used, its guesses are not.
    """
    from label_studio_sdk.core.api_error import ApiError

    reply = client._client_wrapper.httpx_client.request(path, method="GET", params=dict(params))
    if reply.status_code == 404:
        return None
    if reply.status_code != 200:
        raise ApiError(status_code=reply.status_code, headers=dict(reply.headers), body=reply.text)
    try:
        return _mapping(reply.json())
    except RecursionError:
        raise FieldguideError(
            f"{path}: the server's answer is nested too deeply to be read; an annotation in it holds no answers of "
            "the form and must be deleted on the server"
        ) from None


def _served(project: int, task: int, row: Mapping[str, Any]) -> Served:
    data = _mapping(row.get("data"))
    items = data.get("items")
    named = [_mapping(item).get("task_key") for item in items] if isinstance(items, list) else []
    keys = [key for key in named if isinstance(key, str)]
    changers = row.get("updated_by")
    changer = changers[0] if isinstance(changers, list) and changers else changers
    annotations = row.get("annotations")
    given = [_given(_mapping(a)) for a in annotations] if isinstance(annotations, list) else []
    return Served(
        project=project,
        task=task,
        page_key=page_key_of(data),
        task_keys=tuple(keys) if len(keys) == len(named) else (),
        pictures=tuple(str(data.get(f"tile{n}", ""))[:_LONGEST_TEXT] for n in range(1, TILES + 1)),
        updated_at=_time(row.get("updated_at")),
        updated_by=_number(changer.get("user_id") if isinstance(changer, Mapping) else changer),
        given=tuple(sorted((g for g in given if g is not None), key=lambda g: g.annotation)),
    )


def _given(row: Mapping[str, Any]) -> Given | None:
    number = _number(row.get("id"))
    if not number:
        return None
    author = row.get("completed_by")
    return Given(
        annotation=number,
        author=_number(author.get("id") if isinstance(author, Mapping) else author),
        updated_by=_number(row.get("updated_by")),
        updated_at=_time(row.get("updated_at")),
        lead_time=_seconds(row.get("lead_time")),
        cancelled=bool(row.get("was_cancelled")),
        result=row.get("result"),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _time(value: object) -> str | None:
    """ISO 8601 with offset, as the server gave it."""
    return value if isinstance(value, str) and is_time(value) else None
