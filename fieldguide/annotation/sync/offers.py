"""Which annotations may count, by what was asked of whom. The others are refused, each as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fieldguide.annotation.form.task import choices_of
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.log import Judgment, LogEntry, ServerRecord
from fieldguide.annotation.judgments.quarantine import Quarantined, Reason, evidence
from fieldguide.annotation.label_studio.reading import Given, Served
from fieldguide.records.plan import ANYBODY, PlanRow


@dataclass(frozen=True)
class ServerUsers:
    """Users of the server by number. `assessors` may answer what anybody is asked."""

    names: Mapping[int, str]
    assessors: Collection[str]
    manager: int | None = None


@dataclass(frozen=True)
class Offer:
    """An annotation that may count: the right person's, on a page of the plan, written by the person."""

    person: str
    page: tuple[PlanRow, ...]
    served: Served
    given: Given

    @property
    def where(self) -> ServerRecord:
        """Its place on the server."""
        return source_of(self.served, self.given)


@dataclass
class Reconciliation:
    """A comparison under way: what the plan asks and the log holds, and what was found so far.

    Attributes:
        pages: of the plan, by page_key; rows by position.
        holds: the log's current line by (assessor, task_key).
        tasks: on the server, by project.
        read: (project, task) of those that were read.
        settled: (assessor, page_key) of pages whose annotation that counts was found.
        frozen: annotations that are refused as a whole: the log keeps what it has of them.
        changes: with time, annotation and position, by which they are appended.
        gone: by (assessor, task_key): the line, who took it away, when.
    """

    pages: Mapping[str, tuple[PlanRow, ...]]
    guidelines: Mapping[str, Guideline]
    people: ServerUsers
    holds: Mapping[tuple[str, str], LogEntry]
    tasks: Mapping[int, Collection[int]]
    read: Collection[tuple[int, int]]
    settled: set[tuple[str, str]] = field(default_factory=set)
    refused: list[Quarantined] = field(default_factory=list)
    frozen: set[ServerRecord] = field(default_factory=set)
    changes: list[tuple[datetime, int, int, Judgment]] = field(default_factory=list)
    gone: dict[tuple[str, str], tuple[LogEntry, str, str | None]] = field(default_factory=dict)


def offers_of(served: Sequence[Served], state: Reconciliation) -> tuple[dict[tuple[str, str], list[Offer]], int]:
    """What may count, by person and page; the rest is refused. And how many pages were skipped."""
    offers: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    skipped = 0
    for page in served:
        for given in page.given:
            skipped += given.cancelled
            offer = _offer(page, given, state)
            if offer is not None:
                offers[offer.person, offer.page[0].page_key].append(offer)
    return offers, skipped


def _offer(served: Served, given: Given, state: Reconciliation) -> Offer | None:
    page = state.pages.get(served.page_key or "")
    person = state.people.names.get(given.author) if given.author is not None else None
    wrong: tuple[Reason, str] | None = None
    if page is None:
        wrong = "unknown-page", "no page of the plan has the key that the task names"
    elif not _shows(served, page):
        wrong = "page-changed", "the task's data are not those of the page that the plan asks"
    elif person is None:
        wrong = "unknown-author", f"user {given.author} is nobody whom params.yaml and the accounts name"
    elif not is_asked(person, page[0].assessor, state.people):
        wrong = "not-asked", f"{page[0].assessor} was asked, and {person} answered"
    elif page[0].guideline not in state.guidelines:
        wrong = "unknown-guideline", f"guidelines {page[0].guideline} are not among data/judgments/guidelines"
    elif given.updated_by is None:
        wrong = "made-in-bulk", "the server knows nobody who submitted it"
    elif given.updated_by != given.author:
        other = state.people.names.get(given.updated_by, f"user {given.updated_by}")
        wrong = "edited-by-another", f"it is {person}'s, and {other} wrote it last"
    elif given.updated_at is None:
        wrong = "malformed", "it has no time"
    if wrong is None and page is not None and person is not None:
        return Offer(person, page, served, given)
    if wrong is not None and not _says_nothing_new(served, given, person, page, state):
        refuse(state, served, given, *wrong)
    state.frozen.add(source_of(served, given))
    return None


def _shows(served: Served, page: Sequence[PlanRow]) -> bool:
    """The task's data name the plan's images in the plan's order, and the pictures are theirs as far as names tell.

    An image that could not be shown left its place empty.
    """
    if served.task_keys != tuple(row.task_key for row in page):
        return False
    pictures = zip(page, served.pictures, strict=False)
    return all(not picture or row.image_id in picture or "data:image/" in picture for row, picture in pictures)


def is_asked(person: str, asked: str, people: ServerUsers) -> bool:
    """Whether a person may answer what `asked` (or anybody) was asked."""
    return person == asked or (asked == ANYBODY and person in people.assessors)


def _says_nothing_new(
    served: Served, given: Given, person: str | None, page: Sequence[PlanRow] | None, state: Reconciliation
) -> bool:
    """Somebody touched the annotation that the log has, and it says what the log says: nothing to refuse."""
    if person is None or page is None or given.cancelled:
        return False
    holds = [state.holds.get((person, row.task_key)) for row in page]
    if source_of(served, given) not in [entry.source for entry in holds if entry]:
        return False
    try:
        chosen = choices_of(given.result)
    except ValueError:
        return False
    return chosen == {n: [entry.choice] for n, entry in enumerate(holds, 1) if entry}


def refuse(
    state: Reconciliation, served: Served, given: Given, reason: Reason, detail: str, position: int | None = None
) -> None:
    """Note a refusal, of a whole annotation or of one image."""
    state.refused.append(
        Quarantined(
            reason=reason,
            detail=detail,
            project=served.project,
            task=served.task,
            annotation=given.annotation,
            page_key=served.page_key,
            position=position,
            assessor=state.people.names.get(given.author) if given.author is not None else None,
            author=given.author,
            updated_by=given.updated_by,
            updated_at=given.updated_at,
            evidence=evidence(given.result),
        )
    )


def source_of(served: Served, given: Given) -> ServerRecord:
    """The place of an annotation on the server."""
    return ServerRecord(project=served.project, task=served.task, annotation=given.annotation)
