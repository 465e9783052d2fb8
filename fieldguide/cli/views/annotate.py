"""What `fieldguide annotate` shows: its figures as rows of a table and lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.agreement.alpha import IntervalEstimate
from fieldguide.annotation.agreement.individuals import Proportion
from fieldguide.core.errors import printable_line
from fieldguide.records.plan import plan_rows

if TYPE_CHECKING:
    from fieldguide.annotation.agreement.figures import Work
    from fieldguide.annotation.correspondence.threads import QuestionThread
    from fieldguide.annotation.manager import Closed, Planned
    from fieldguide.annotation.progress.choice import SubtopicCost
    from fieldguide.annotation.progress.effort import EffortEstimate
    from fieldguide.annotation.status import AnnotationStatus
    from fieldguide.annotation.sync.pull import Pulled
    from fieldguide.annotation.sync.push import Pushed

PLAN_COLUMNS = ("assessor", "images", "new", "gold", "repeats", "pages", "left", "hours", "hours left")
COST_COLUMNS = ("subtopic", "question", "entity", "pool", "asked", "judged", "left", "hours", "hours left")
PEOPLE_COLUMNS = (
    "assessor", "planned", "asked", "done", "left", "not pulled", "s/image", "alpha", "gold", "repeats", "hours left",
)  # fmt: skip
TOPIC_COLUMNS = ("topic", "planned", "asked", "done", "left", "s/image", "alpha", "gold")


def plan_table(planned: Planned, estimate: EffortEstimate) -> Iterator[dict[str, Any]]:
    """One row an assessor."""
    rows, new = plan_rows(planned.plan), plan_rows(planned.new)
    for effort in estimate.efforts:
        mine = [row.purpose for row in rows if row.assessor == effort.assessor]
        yield {
            "assessor": effort.assessor,
            "images": effort.images,
            "new": sum(row.assessor == effort.assessor for row in new),
            "gold": mine.count("gold"),
            "repeats": mine.count("repeat"),
            "pages": effort.pages,
            "left": effort.left,
            "hours": round(effort.hours, 1),
            "hours left": round(effort.hours_left, 1),
        }


def cost_table(costs: Iterable[SubtopicCost]) -> Iterator[dict[str, Any]]:
    """One row a subtopic; the question stands beside the first of a topic."""
    said = None
    for cost in costs:
        question, said = "" if cost.topic_id == said else cost.question, cost.topic_id
        yield {
            "subtopic": cost.subtopic_id,
            "question": question,
            "entity": cost.entity,
            "pool": cost.pool,
            "asked": "yes" if cost.chosen else "no",
            "judged": cost.judged,
            "left": cost.left,
            "hours": round(cost.hours, 2),
            "hours left": round(cost.hours_left, 2),
        }


def push_lines(pushed: Pushed, dry: bool) -> Iterator[str]:
    """What was done, or would be."""
    done = "would be " if dry else ""
    there = f"{pushed.present} of the pages that were asked so far are on the server"
    yield f"{there}; {pushed.created} {done}put there, {pushed.removed} {done}removed"
    if pushed.duplicates:
        yield f"{pushed.duplicates} copies of pages were answered and stay"
    yield from _notes(pushed.notes)


def pull_lines(pulled: Pulled) -> Iterator[str]:
    """What came in."""
    yield (
        f"{pulled.read} answered pages read in {pulled.projects} projects"
        f"{'' if pulled.whole else ', those touched lately'}: {pulled.judged} judgments new, "
        f"{pulled.superseded} superseded, {pulled.withdrawn} withdrawn"
    )
    odd = {"quarantined": pulled.quarantined, "held back": pulled.held, "pages skipped": pulled.skipped}
    yield from (f"{count} {what}" for what, count in odd.items() if count)
    yield from _notes(pulled.notes)


def people_table(status: AnnotationStatus) -> Iterator[dict[str, Any]]:
    """One row a person."""
    hours = {effort.assessor: effort.hours_left for effort in status.estimate.efforts}
    for person in status.progress.people:
        yield {
            "assessor": person.name,
            **_work(person.work),
            "not pulled": person.not_pulled,
            "s/image": None if person.seconds is None else round(person.seconds, 1),
            "alpha": alpha_words(person.agreement.ordinal),
            "gold": share_words(person.gold),
            "repeats": share_words(person.repeats),
            "hours left": round(hours[person.name], 1) if person.name in hours else None,
        }


def topic_table(status: AnnotationStatus) -> Iterator[dict[str, Any]]:
    """One row a topic."""
    for topic in status.progress.topics:
        yield {
            "topic": topic.topic_id,
            **_work(topic.work),
            "s/image": None if topic.seconds is None else round(topic.seconds, 1),
            "alpha": alpha_words(topic.agreement.ordinal),
            "gold": share_words(topic.gold),
        }


def status_lines(status: AnnotationStatus) -> Iterator[str]:
    """What the tables do not say."""
    if status.unplanned:
        yield f"nobody is asked by the guidelines in force ({status.unplanned}) yet; `fieldguide annotate plan`"
    yield from status.coverage.lines()
    yield from map(str, status.excluded)
    stopped = sum(verdict.stopped for verdict in status.verdicts)
    yield f"{stopped} of {len(status.verdicts)} subtopics are judged enough (annotate.stopping)"
    alpha = alpha_words(status.progress.agreement.ordinal)
    yield f"agreement of all, Krippendorff's alpha of grades (ordinal): {alpha or 'none yet'}"
    for person in status.progress.people:
        yield from (f"look into: {person.name}: {flag.kind}: {flag.evidence}" for flag in person.flags)
    yield f"hours left: {status.estimate.hours_left:.1f}. {status.estimate.how}"
    if status.live is None:
        yield f"from the log alone; the server was not asked: {status.offline}"
    else:
        waiting = sum(one.not_pulled for one in status.live)
        yield f"{waiting} answered pages are on the server and not pulled" + (
            "; `fieldguide annotate pull`" * (waiting > 0)
        )
        closed = [str(one.project) for one in status.live if one.closed]
        if closed:
            yield f"closed projects: {', '.join(closed)}"
    if status.stale:
        yield "data/qrels rests on an earlier log; a build makes it anew once enough is judged"


def closed_lines(closed: Closed) -> Iterator[str]:
    """What was closed, and what comes next."""
    yield from closed.coverage.lines()
    names = ", ".join(f"{project.id} ({project.title})" for project in closed.projects)
    yield f"closed: {names}" if names else "all projects were closed already"
    yield f"the log has {closed.lines} lines and its chain verifies; its head is {closed.head}"
    yield "next: fieldguide build    then: git add dvc.lock, git commit, dvc push"


def question_lines(threads: Iterable[QuestionThread]) -> Iterator[str]:
    """Questions with their replies: open ones first, each kind oldest first."""
    found = sorted(threads, key=lambda thread: (not thread.open, thread.number))
    for thread in found:
        about = thread.subtopic_id if thread.image_id is None else f"{thread.subtopic_id}, image {thread.image_id}"
        marks = ", ".join(["open" if thread.open else "answered", *(["flagged"] if thread.flag else [])])
        yield f"{thread.number}  {printable_line(f'{thread.by}, {thread.at}, {about}')} ({marks})"
        yield from _indented(thread.text)
        for reply in thread.replies:
            yield f"    {printable_line(reply.by)}, {reply.at}{' (to everybody)' * reply.faq}:"
            yield from _indented(reply.text)
    waiting = sum(thread.open for thread in found)
    yield f"{waiting} of {len(found)} questions are open" + '; `fieldguide annotate reply NUMBER "TEXT"`' * bool(
        waiting
    )


def _indented(text: str) -> Iterator[str]:
    yield from (f"    {printable_line(line)}" for line in text.split("\n"))


def alpha_words(alpha: IntervalEstimate) -> str:
    """`0.81 [0.77, 0.85]`; empty where there is none."""
    if alpha.value is None:
        return ""
    interval = "" if alpha.low is None or alpha.high is None else f" [{alpha.low:.2f}, {alpha.high:.2f}]"
    return f"{alpha.value:.2f}{interval}"


def share_words(share: Proportion) -> str:
    """`18/20 [70%, 97%]`; empty where there is nothing to count."""
    if share.low is None or share.high is None:
        return ""
    return f"{share.count}/{share.of} [{share.low:.0%}, {share.high:.0%}]"


def _work(work: Work | None) -> dict[str, int | None]:
    if work is None:
        return dict.fromkeys(("planned", "asked", "done", "left"))
    return {"planned": work.planned, "asked": work.asked, "done": work.done, "left": work.left}


def _notes(notes: Iterable[str]) -> Iterator[str]:
    yield from (f"note: {note}" for note in notes)
