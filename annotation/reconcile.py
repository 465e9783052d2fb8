"""What the server holds against what the log holds: which lines follow, what is refused, what is held back. Pure.

Rules, each so that nothing given is lost, doubled or silently changed:

- What was asked is looked up in the plan by the page's key; of the server's words only the answers count.
- One person has one annotation a page: the one that the log has, else the lowest number. Others are refused.
- What somebody else wrote is not the author's: the log keeps what it had.
- A refused annotation, or a refused image of one, leaves what the log has for it as it is.
- An answer that is gone while its task is there is withdrawn; but what somebody else than its author or the manager
  deleted, and more than `max(10, 5 %)` of an assessor's judgments at once, are held until a manager says so.
- A task or project that is gone takes nothing with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from annotation.assignment import ANYBODY
from annotation.form import answers
from annotation.guidelines import Guideline
from annotation.log import Entry, Judgment, Source, current
from annotation.quarantine import Reason, Refused, evidence
from annotation.reading import Given, Served
from annotation.rows import PlanRow

MOST_WITHDRAWN = 10
MOST_WITHDRAWN_SHARE = 0.05


@dataclass(frozen=True)
class People:
    """Users of the server by number. `assessors` may answer what anybody is asked."""

    names: Mapping[int, str]
    assessors: Collection[str]
    manager: int | None = None


@dataclass(frozen=True)
class Held:
    """Judgments of one assessor that are gone on the server and were not withdrawn, with the reason."""

    assessor: str
    why: str
    lines: tuple[Entry, ...]


@dataclass(frozen=True)
class Reconciled:
    """What follows from a reading.

    Attributes:
        judgments: to be appended to the log in this order.
        refused: for quarantine.
        held: gone on the server, and not withdrawn.
        read: annotations read.
        skipped: pages that their assessors skipped.
        gone: judgments whose task is not on the server any more; they stand.
    """

    judgments: tuple[Judgment, ...] = ()
    refused: tuple[Refused, ...] = ()
    held: tuple[Held, ...] = ()
    read: int = 0
    skipped: int = 0
    gone: int = 0


@dataclass(frozen=True)
class _Offer:
    """An annotation that may count: the right person's, on a page of the plan, written by the person."""

    person: str
    page: tuple[PlanRow, ...]
    served: Served
    given: Given

    @property
    def where(self) -> Source:
        return _source(self.served, self.given)


@dataclass
class _Books:
    """What the plan asks and the log holds, and what was found so far.

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
    people: People
    holds: Mapping[tuple[str, str], Entry]
    tasks: Mapping[int, Collection[int]]
    read: Collection[tuple[int, int]]
    settled: set[tuple[str, str]] = field(default_factory=set)
    refused: list[Refused] = field(default_factory=list)
    frozen: set[Source] = field(default_factory=set)
    changes: list[tuple[datetime, int, int, Judgment]] = field(default_factory=list)
    gone: dict[tuple[str, str], tuple[Entry, str, str | None]] = field(default_factory=dict)


def reconcile(
    served: Sequence[Served],
    tasks: Mapping[int, Collection[int]],
    rows: Iterable[PlanRow],
    entries: Iterable[Entry],
    guidelines: Mapping[str, Guideline],
    people: People,
    accept_withdrawals: bool = False,
) -> Reconciled:
    """Compare a reading with the log.

    Args:
        served: pages as the server has them; of each, all annotations.
        tasks: every task that is on the server, by project, also those not among `served`.
        rows: the plan.
        entries: the log.
        guidelines: by version.
        people: who the server's users are.
        accept_withdrawals: withdraw also what would be held.
    """
    read = {(page.project, page.task) for page in served}
    holds = {(entry.assessor, entry.key): entry for entry in current(entries)}
    books = _Books(_pages(rows), guidelines, people, holds, tasks, read)
    offers, skipped = _offers(served, books)
    for offered in offers.values():
        _take(offered, books)
    _find_deleted(served, books)
    held = [] if accept_withdrawals else _hold_back(books)
    kept = {(h.assessor, line.key) for h in held for line in h.lines}
    withdrawn = [_withdrawal(*books.gone[key]) for key in sorted(set(books.gone) - kept)]
    return Reconciled(
        judgments=(*(judgment for *_, judgment in sorted(books.changes, key=lambda c: c[:3])), *withdrawn),
        refused=tuple(books.refused),
        held=tuple(held),
        read=sum(len(page.given) for page in served),
        skipped=skipped,
        gone=sum(1 for e in books.holds.values() if e.source and e.source.task not in tasks.get(e.source.project, ())),
    )


def _pages(rows: Iterable[PlanRow]) -> dict[str, tuple[PlanRow, ...]]:
    pages: dict[str, list[PlanRow]] = defaultdict(list)
    for row in rows:
        pages[row.page_key].append(row)
    return {key: tuple(sorted(page, key=lambda row: row.position)) for key, page in pages.items()}


def _offers(served: Sequence[Served], books: _Books) -> tuple[dict[tuple[str, str], list[_Offer]], int]:
    """What may count, by person and page; the rest is refused. And how many pages were skipped."""
    offers: dict[tuple[str, str], list[_Offer]] = defaultdict(list)
    skipped = 0
    for page in served:
        for given in page.given:
            skipped += given.cancelled
            offer = _offer(page, given, books)
            if offer is not None:
                offers[offer.person, offer.page[0].page_key].append(offer)
    return offers, skipped


def _offer(served: Served, given: Given, books: _Books) -> _Offer | None:
    page = books.pages.get(served.page_key or "")
    person = books.people.names.get(given.author) if given.author is not None else None
    wrong: tuple[Reason, str] | None = None
    if page is None:
        wrong = "unknown-page", "no page of the plan has the key that the task names"
    elif not _shows(served, page):
        wrong = "page-changed", "the task's data are not those of the page that the plan asks"
    elif person is None:
        wrong = "unknown-author", f"user {given.author} is nobody whom params.yaml and the accounts name"
    elif not _is_asked(person, page[0].assessor, books.people):
        wrong = "not-asked", f"{page[0].assessor} was asked, and {person} answered"
    elif page[0].guideline not in books.guidelines:
        wrong = "unknown-guideline", f"guidelines {page[0].guideline} are not among data/judgments/guidelines"
    elif given.updated_by is None:
        wrong = "made-in-bulk", "the server knows nobody who submitted it"
    elif given.updated_by != given.author:
        other = books.people.names.get(given.updated_by, f"user {given.updated_by}")
        wrong = "edited-by-another", f"it is {person}'s, and {other} wrote it last"
    elif given.updated_at is None:
        wrong = "malformed", "it has no time"
    if wrong is None and page is not None and person is not None:
        return _Offer(person, page, served, given)
    if wrong is not None and not _says_nothing_new(served, given, person, page, books):
        _refuse(books, served, given, *wrong)
    books.frozen.add(_source(served, given))
    return None


def _shows(served: Served, page: Sequence[PlanRow]) -> bool:
    """The task's data name the plan's images in the plan's order, and the pictures are theirs as far as names tell.

    An image that could not be shown left its place empty.
    """
    if served.task_keys != tuple(row.task_key for row in page):
        return False
    pictures = zip(page, served.pictures, strict=False)
    return all(not picture or row.image_id in picture or "data:image/" in picture for row, picture in pictures)


def _is_asked(person: str, asked: str, people: People) -> bool:
    return person == asked or (asked == ANYBODY and person in people.assessors)


def _says_nothing_new(
    served: Served, given: Given, person: str | None, page: Sequence[PlanRow] | None, books: _Books
) -> bool:
    """Somebody touched the annotation that the log has, and it says what the log says: nothing to refuse."""
    if person is None or page is None or given.cancelled:
        return False
    holds = [books.holds.get((person, row.task_key)) for row in page]
    if _source(served, given) not in [entry.source for entry in holds if entry]:
        return False
    try:
        found = answers(given.result)
    except ValueError:
        return False
    return found == {n: [entry.choice] for n, entry in enumerate(holds, 1) if entry}


def _take(offers: Sequence[_Offer], books: _Books) -> None:
    """Of one person's annotations of one page, take the one that counts."""
    person, page = offers[0].person, offers[0].page
    holders = _holders(person, page, books)
    valid: list[tuple[_Offer, dict[int, list[str]]]] = []
    for offer in sorted(offers, key=lambda o: (o.given.annotation, o.served.project)):
        if offer.given.cancelled:
            continue
        try:
            valid.append((offer, answers(offer.given.result)))
        except ValueError as error:
            _refuse(books, offer.served, offer.given, "malformed", str(error))
            books.frozen.add(offer.where)
    chosen = next((v for holder in holders for v in valid if v[0].where == holder), None)
    if chosen is None and valid and not any(_stands(holder, offers, books) for holder in holders):
        chosen = valid[0]
    for offer, _ in valid:
        if chosen is None or offer is not chosen[0]:
            first = f"annotation {chosen[0].given.annotation}" if chosen else "the one that the log has"
            _refuse(books, offer.served, offer.given, "second-annotation", f"{first} of {person} on this page counts")
    if valid or any(offer.where in holders for offer in offers):
        books.settled.add((person, page[0].page_key))
    if chosen is not None:
        _compare(chosen[0], chosen[1], books)
    elif not valid:
        _skip(offers, holders, books)


def _holders(person: str, page: Sequence[PlanRow], books: _Books) -> list[Source]:
    """Annotations that the log has of a person's page, the latest line's first."""
    held = [entry for row in page if (entry := books.holds.get((person, row.task_key))) and entry.source]
    return list(dict.fromkeys(e.source for e in sorted(held, key=lambda e: -e.seq) if e.source))


def _stands(holder: Source, offers: Sequence[_Offer], books: _Books) -> bool:
    """The annotation that the log has is refused now, or in a task that was not read: it is not given up."""
    if holder in books.frozen:
        return True
    if any(offer.where == holder for offer in offers):  # cancelled
        return False
    return (holder.project, holder.task) not in books.read and holder.task in books.tasks.get(holder.project, ())


def _compare(offer: _Offer, found: Mapping[int, list[str]], books: _Books) -> None:
    """Lines for the images whose answer is not what the log has."""
    guideline = books.guidelines[offer.page[0].guideline]
    shown = {n for n, _ in enumerate(offer.page, 1) if offer.served.pictures[n - 1 : n] != ("",)}
    for position in sorted(set(found) - shown):
        what = f"image {position} was answered, and the page shows {', '.join(map(str, sorted(shown))) or 'none'}"
        _refuse(books, offer.served, offer.given, "no-such-image", what, position)
    for position, row in enumerate(offer.page, 1):
        choices = found.get(position)
        entry = books.holds.get((offer.person, row.task_key))
        if position not in shown:
            continue
        if choices is None:
            if entry is not None and entry.source is not None:
                books.gone[offer.person, row.task_key] = (entry, offer.person, offer.given.updated_at)
        elif len(choices) != 1:
            what = f"image {position} has {len(choices)} choices: {', '.join(map(ascii, choices[:5]))}"
            _refuse(books, offer.served, offer.given, "not-one-choice", what, position)
        elif choices[0] not in guideline.choices:
            allowed = ", ".join(guideline.choices)
            what = f"image {position} has {choices[0][:80]!a}; {guideline.version} allows {allowed}"
            _refuse(books, offer.served, offer.given, "unknown-choice", what, position)
        elif entry is None or entry.choice != choices[0]:
            judgment = _judgment(offer, row, choices[0], guideline, entry)
            at = datetime.fromisoformat(judgment.judged_at or "").astimezone(UTC)
            books.changes.append((at, offer.given.annotation, position, judgment))


def _judgment(offer: _Offer, row: PlanRow, choice: str, guideline: Guideline, entry: Entry | None) -> Judgment:
    lead_time = offer.given.lead_time
    return Judgment(
        subtopic_id=row.subtopic_id,
        image_id=row.image_id,
        assessor=offer.person,
        grade=guideline.choices[choice],
        choice=choice,
        guideline=row.guideline,
        judged_at=offer.given.updated_at,
        pass_=row.pass_,
        action="judged" if entry is None else "superseded",
        supersedes=None if entry is None else entry.hash,
        role="adjudicator" if row.purpose == "adjudicate" else "assessor",
        seconds=None if lead_time is None else round(lead_time / len(offer.page), 3),
        sighted=row.sighted,
        source=offer.where,
    )


def _skip(offers: Sequence[_Offer], holders: Collection[Source], books: _Books) -> None:
    """The person skipped a page that the log has an answer of: the answer is taken back."""
    for offer in offers:
        if offer.given.cancelled and offer.where in holders:
            for row in offer.page:
                entry = books.holds.get((offer.person, row.task_key))
                if entry is not None and entry.source == offer.where:
                    books.gone[offer.person, row.task_key] = (entry, offer.person, offer.given.updated_at)


def _find_deleted(served: Sequence[Served], books: _Books) -> None:
    """Judgments whose task was read and whose annotation is nowhere in it, or anywhere else."""
    numbers = {given.annotation for page in served for given in page.given}
    read = {(page.project, page.task): page for page in served}
    for key, entry in books.holds.items():
        source = entry.source
        page = read.get((source.project, source.task)) if source else None
        if source is None or page is None or source.annotation in numbers:
            continue
        if (entry.assessor, page.page_key) in books.settled:
            continue
        # The page of this number must be the one that was judged: numbers begin anew with a server's data base.
        asked = books.pages.get(page.page_key or "", ())
        if any(row.task_key == entry.key and _is_asked(entry.assessor, row.assessor, books.people) for row in asked):
            by = books.people.names.get(page.updated_by) if page.updated_by is not None else None
            if page.updated_by is not None and page.updated_by == books.people.manager:
                by = entry.assessor  # the manager may
            books.gone[key] = (entry, by or f"user {page.updated_by}", page.updated_at)


def _hold_back(books: _Books) -> list[Held]:
    """Which of the judgments that are gone are not withdrawn without a manager's word."""
    have = Counter(assessor for assessor, _ in books.holds)
    mine: dict[str, list[Entry]] = defaultdict(list)
    others: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for (assessor, _), (line, by, _) in sorted(books.gone.items(), key=lambda item: item[0]):
        (mine[assessor] if by == assessor else others[assessor, by]).append(line)
    held = [
        Held(assessor, f"deleted by {by}, whose they are not", tuple(lines))
        for (assessor, by), lines in sorted(others.items(), key=lambda item: item[0])
    ]
    for assessor, lines in sorted(mine.items()):
        most = max(MOST_WITHDRAWN, MOST_WITHDRAWN_SHARE * have[assessor])
        if len(lines) > most:
            why = f"{len(lines)} of {have[assessor]} judgments gone at once, more than {most:g}"
            held.append(Held(assessor, why, tuple(lines)))
    return held


def _withdrawal(entry: Entry, by: str, at: str | None) -> Judgment:
    kept = entry.model_dump(include=set(Judgment.model_fields))
    return Judgment.model_validate(
        kept | {
            "action": "withdrawn", "supersedes": entry.hash, "choice": None, "grade": None,
            "seconds": None, "judged_at": at, "source": entry.source,
        }
    )  # fmt: skip


def _refuse(
    books: _Books, served: Served, given: Given, reason: Reason, detail: str, position: int | None = None
) -> None:
    books.refused.append(
        Refused(
            reason=reason,
            detail=detail,
            project=served.project,
            task=served.task,
            annotation=given.annotation,
            page_key=served.page_key,
            position=position,
            assessor=books.people.names.get(given.author) if given.author is not None else None,
            author=given.author,
            updated_by=given.updated_by,
            updated_at=given.updated_at,
            evidence=evidence(given.result),
        )
    )


def _source(served: Served, given: Given) -> Source:
    return Source(project=served.project, task=served.task, annotation=given.annotation)
