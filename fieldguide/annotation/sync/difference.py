"""Which pages of the plan a project of the server lacks, and which tasks it should not have. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from fieldguide.annotation.label_studio.tasks import Listed
from fieldguide.annotation.planning.pages import PlanPage


@dataclass(frozen=True)
class Difference:
    """Which pages a project lacks, and which tasks it should not have.

    Attributes:
        create: due pages that are neither there nor judged, in the assessor's order.
        present: number of due pages that are there.
        remove: tasks that go if nobody has begun them.
        answered: answered tasks that are copies, by page key.
        foreign: answered tasks of pages that the plan does not have here.
        strangers: tasks that are none of ours.
    """

    create: tuple[PlanPage, ...]
    present: int
    remove: tuple[int, ...]
    answered: Mapping[str, tuple[int, ...]]
    foreign: tuple[int, ...]
    strangers: tuple[int, ...]


def difference(
    wanted: Collection[str],
    pages: Mapping[str, PlanPage],
    done: Collection[str],
    listed: Iterable[Listed],
    *,
    left: bool = False,
) -> Difference:
    """Compare a project's tasks with the plan.

    Args:
        wanted: keys of its pages that are due.
        pages: all its pages of the plan.
        done: keys of pages that the log holds whole.
        listed: its tasks.
        left: its assessor is asked no more: what is not answered goes.
    """
    copies: dict[str, list[Listed]] = defaultdict(list)
    remove: list[int] = []
    foreign: list[int] = []
    strangers: list[int] = []
    for task in listed:
        if task.page_key is None:
            strangers.append(task.task)
        elif task.page_key in pages:
            copies[task.page_key].append(task)
        else:
            (foreign if task.annotated else remove).append(task.task)
    answered = {}
    for key, tasks in copies.items():
        # The first answered copy is the page; where nobody has answered, the first, since it is shown first.
        tasks.sort(key=lambda task: (not task.annotated, task.task))
        remove += [task.task for task in (tasks if left else tasks[1:]) if not task.annotated]
        others = tuple(task.task for task in tasks[1:] if task.annotated)
        if others:
            answered[key] = others
    missing = [pages[key] for key in wanted if key not in copies and key not in done]
    create = sorted(missing, key=lambda page: (page.queue, page.key))
    present = sum(key in copies for key in wanted)
    return Difference(tuple(create), present, tuple(sorted(remove)), answered, tuple(foreign), tuple(strangers))
