"""The order in which one assessor sees pages, and what is asked of the assessor again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import Purpose


@dataclass(frozen=True)
class PlannedImage:
    """One image of one subtopic. `rank`: place in pool order from 1; 0: gold that is not pooled."""

    subtopic_id: str
    image_id: str
    rank: int
    purpose: Purpose


@dataclass(frozen=True)
class QueuePage:
    """Questions of one subtopic that are judged together, in the order of their positions."""

    questions: tuple[PlannedImage, ...]
    sighted: bool = False

    @property
    def subtopic_id(self) -> str:
        """The page's subtopic."""
        return self.questions[0].subtopic_id

    @property
    def purpose(self) -> Purpose:
        """`repeat` where the page is asked again; else that of its first question."""
        return self.questions[0].purpose

    @property
    def has_gold(self) -> bool:
        """It has an image whose grade is known."""
        return any(q.purpose == "gold" for q in self.questions)

    @property
    def name(self) -> tuple[str, ...]:
        """Identity of what is asked, whatever the order of the images."""
        return (self.subtopic_id, *sorted(q.image_id for q in self.questions))


@dataclass(frozen=True)
class Repeat:
    """A page to ask again, not before the page at place `after` of the queue."""

    page: QueuePage
    after: int


def in_order(
    blocks: Mapping[str, Sequence[QueuePage]], topics: Mapping[str, str], draw: Callable[[str], float]
) -> list[QueuePage]:
    """Topic by topic in a drawn order, each subtopic's pages together in pool order.

    Whoever stays with one question judges faster, and each stay goes through a whole pool, so that likely and
    unlikely images come at the same rate from the beginning to the end. Topics with gold are spread evenly.
    """
    members = grouped((topics[subtopic], subtopic) for subtopic in sorted(blocks))
    golden = {t for t, ss in members.items() if any(page.has_gold for s in ss for page in blocks[s])}
    place: dict[str, tuple[float, float]] = {}
    for group in (golden, set(members) - golden):
        for index, topic in enumerate(sorted(group, key=lambda t: (draw(t), t))):
            place[topic] = ((index + draw(topic)) / len(group), draw(topic))
    return [
        page for topic in sorted(members, key=lambda t: (place[t], t)) for s in members[topic] for page in blocks[s]
    ]


def repeats(pages: Mapping[int, QueuePage], annotate: Annotate, draw: Callable[[QueuePage], float]) -> list[Repeat]:
    """Which of an assessor's pages are asked again, so many that the share is met over the whole plan.

    Whole pages, so that a page can be asked again as soon as it was asked (stopping rules). Only pages that a third
    of the queue can still follow; none with gold (it would be known again) or with guesses in sight.

    Args:
        pages: of the assessor, by place in the queue, earlier ones and new ones.
        annotate: section of params.yaml.
        draw: a page's number of [0, 1).
    """
    done = [page for page in pages.values() if page.purpose == "repeat"]
    asked = sum(q.purpose == "judge" for page in pages.values() for q in page.questions)
    wanted = int(annotate.repeat_share * asked) - sum(len(page.questions) for page in done)
    again = {(q.subtopic_id, q.image_id) for page in done for q in page.questions}
    open_ = {
        queue: page
        for queue, page in pages.items()
        if {q.purpose for q in page.questions} == {"judge"}
        and not page.sighted
        and not any((q.subtopic_id, q.image_id) in again for q in page.questions)
    }
    # A third of the queue with its repeats in it; how many they are depends in turn on which pages are left to choose.
    count = max(0, math.ceil(wanted / annotate.page))
    while True:
        chosen = _chosen(open_, wanted, math.ceil((len(pages) + count) / 3), max(pages, default=0), draw)
        if len(chosen) <= count:
            return chosen
        count = len(chosen)


def _chosen(
    pages: Mapping[int, QueuePage], wanted: int, gap: int, last: int, draw: Callable[[QueuePage], float]
) -> list[Repeat]:
    """Pages in a drawn order until `wanted` images are found; each at least `gap` places before its repeat."""
    chosen = []
    for queue in sorted(pages, key=lambda queue: (draw(pages[queue]), queue)):
        if wanted > 0 and queue + gap <= last:
            questions = sorted(pages[queue].questions, key=lambda q: draw(QueuePage((q,))))[:wanted]
            page = QueuePage(tuple(replace(q, purpose="repeat") for q in questions))
            chosen.append(Repeat(page, queue + gap + int(draw(page) * (last - queue - gap + 1))))
            wanted -= len(questions)
    return chosen


def with_repeats(new: Sequence[QueuePage], again: Sequence[Repeat], first: int) -> list[QueuePage]:
    """New pages, the first of which takes the place `first`, and each repeat after its place, where a subtopic ends."""
    waiting = sorted(again, key=lambda repeat: (repeat.after, repeat.page.name))
    pages: list[QueuePage] = []
    for queue, page in enumerate(new, first):
        pages.append(page)
        following = new[queue - first + 1] if queue - first + 1 < len(new) else None
        if following is None or following.subtopic_id != page.subtopic_id:
            while waiting and waiting[0].after <= queue:
                pages.append(waiting.pop(0).page)
    return pages + [repeat.page for repeat in waiting]
