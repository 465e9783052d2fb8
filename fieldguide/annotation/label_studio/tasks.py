"""The tasks of a project on the server: listed, made, removed where nobody has begun them.

What is there is asked in one cheap list of numbers and page keys. Tasks are made by an import, which the server does
whole or not at all, and deleted by an action of the Data Manager whose filter the server itself applies at that moment:
a task that somebody has begun since it was listed stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.label_studio.client import ServerError, address_of, speaking
from fieldguide.annotation.label_studio.reading import page_key_of, task_rows

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

_PAGE = 1000
_READ = "id,data,total_annotations,cancelled_annotations"  # a third of the time that all fields take
_UNTOUCHED = (
    {"filter": "filter:tasks:annotators", "operator": "empty", "type": "List", "value": "true"},
    {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": False},
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One task. `page_key`: None where it is none of ours. `annotated`: somebody gave an answer or skipped it."""

    task: int
    page_key: str | None
    annotated: bool


def list_tasks(client: LabelStudio, project: int) -> Iterator[Listed]:
    """All tasks of a project, by number.

    Raises:
        ServerError: see client.speaking; FieldguideError: see reading.task_rows.
    """
    with speaking(address_of(client)):
        for task, row in task_rows(client, project, _PAGE, include=_READ):
            annotated = bool(row.get("total_annotations") or row.get("cancelled_annotations"))
            yield Listed(task, page_key_of(row.get("data")), annotated)


def import_tasks(client: LabelStudio, project: int, tasks: Sequence[dict[str, Any]], keys: Collection[str]) -> None:
    """Make tasks, in their order, all or none.

    Args:
        keys: their page keys. Where the answer is lost, the server is asked what it has: nothing is sent twice.

    Raises:
        ServerError: none was made, as far as can be seen; another push looks again.
    """
    url = address_of(client)
    try:
        with speaking(url):
            client.projects.import_tasks(project, request=tasks)
    except ServerError as error:
        if not error.unsure or not set(keys) <= {t.page_key for t in list_tasks(client, project)}:
            raise


def remove_untouched(client: LabelStudio, project: int, tasks: Collection[int]) -> set[int]:
    """Delete those of `tasks` that nobody has begun. Returns the tasks that were begun and therefore stay."""
    if not tasks:
        return set()
    with speaking(address_of(client)):
        client.actions.create(
            id="delete_tasks",
            project=project,
            filters={"conjunction": "and", "items": list(_UNTOUCHED)},
            selected_items={"all": False, "included": sorted(tasks)},
        )
    return {t.task for t in list_tasks(client, project)} & set(tasks)
