"""Compare the server with the log: which lines are to be appended, what is refused, what is held back. Pure.

Rules, each so that nothing given is lost, doubled or silently changed:

- What was asked is looked up in the plan by the page's key; of the server's words only the answers count.
- One person has one annotation a page: the one that the log has, else the lowest number. Others are refused.
- What somebody else wrote last is not the author's: the log keeps what it had, until the author saves the page.
- A refused annotation, or a refused image of one, leaves what the log has for it as it is.
- An answer that is gone while its task is there is withdrawn; but what somebody else than its author or the manager
  deleted, and more than `max(10, 5 %)` of an assessor's judgments at once, are held until a manager says so.
- A task or project that is gone takes nothing with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fieldguide.annotation.form.task import choices_of
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.log import Judgment, LogEntry, ServerRecord, current
from fieldguide.annotation.judgments.quarantine import Quarantined
from fieldguide.annotation.label_studio.reading import Served
from fieldguide.annotation.planning.pages import rows_by_page
from fieldguide.annotation.sync.offers import Offer, Reconciliation, ServerUsers, is_asked, offers_of, refuse
from fieldguide.records.plan import PlanRow

MOST_WITHDRAWN = 10
MOST_WITHDRAWN_SHARE = 0.05


@dataclass(frozen=True)
class Held:
    """Judgments of one assessor that are gone on the server and were not withdrawn, with the reason."""

    assessor: str
    why: str
    lines: tuple[LogEntry, ...]


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
    refused: tuple[Quarantined, ...] = ()
    held: tuple[Held, ...] = ()
    read: int = 0
    skipped: int = 0
    gone: int = 0


def reconcile(
    served: Sequence[Served],
    tasks: Mapping[int, Collection[int]],
    rows: Iterable[PlanRow],
    entries: Iterable[LogEntry],
    guidelines: Mapping[str, Guideline],
    people: ServerUsers,
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
    state = Reconciliation(rows_by_page(rows), guidelines, people, holds, tasks, read)
    offers, skipped = offers_of(served, state)
    for offered in offers.values():
        _take(offered, state)
    _find_deleted(served, state)
    held = [] if accept_withdrawals else _hold_back(state)
    kept = {(h.assessor, line.key) for h in held for line in h.lines}
    withdrawn = [_withdrawal(*state.gone[key]) for key in sorted(set(state.gone) - kept)]
    return Reconciled(
        judgments=(*(judgment for *_, judgment in sorted(state.changes, key=lambda c: c[:3])), *withdrawn),
        refused=tuple(state.refused),
        held=tuple(held),
        read=sum(len(page.given) for page in served),
        skipped=skipped,
        gone=sum(1 for e in state.holds.values() if e.source and e.source.task not in tasks.get(e.source.project, ())),
    )


def _take(offers: Sequence[Offer], state: Reconciliation) -> None:
    """Of one person's annotations of one page, take the one that counts."""
    person, page = offers[0].person, offers[0].page
    holders = _holders(person, page, state)
    valid: list[tuple[Offer, dict[int, list[str]]]] = []
    for offer in sorted(offers, key=lambda o: (o.given.annotation, o.served.project)):
        if offer.given.cancelled:
            continue
        try:
            valid.append((offer, choices_of(offer.given.result)))
        except ValueError as error:
            refuse(state, offer.served, offer.given, "malformed", str(error))
            state.frozen.add(offer.where)
    chosen = next((v for holder in holders for v in valid if v[0].where == holder), None)
    if chosen is None and valid and not any(_stands(holder, offers, state) for holder in holders):
        chosen = valid[0]
    for offer, _ in valid:
        if chosen is None or offer is not chosen[0]:
            first = f"annotation {chosen[0].given.annotation}" if chosen else "the one that the log has"
            refuse(state, offer.served, offer.given, "second-annotation", f"{first} of {person} on this page counts")
    if valid or any(offer.where in holders for offer in offers):
        state.settled.add((person, page[0].page_key))
    if chosen is not None:
        _compare(chosen[0], chosen[1], state)
    elif not valid:
        _skip(offers, holders, state)


def _holders(person: str, page: Sequence[PlanRow], state: Reconciliation) -> list[ServerRecord]:
    """Annotations that the log has of a person's page, the latest line's first."""
    held = [entry for row in page if (entry := state.holds.get((person, row.task_key))) and entry.source]
    return list(dict.fromkeys(e.source for e in sorted(held, key=lambda e: -e.seq) if e.source))


def _stands(holder: ServerRecord, offers: Sequence[Offer], state: Reconciliation) -> bool:
    """The annotation that the log has is refused now, or in a task that was not read: it is not given up."""
    if holder in state.frozen:
        return True
    if any(offer.where == holder for offer in offers):  # cancelled
        return False
    return (holder.project, holder.task) not in state.read and holder.task in state.tasks.get(holder.project, ())


def _compare(offer: Offer, found: Mapping[int, list[str]], state: Reconciliation) -> None:
    """Lines for the images whose answer is not what the log has."""
    guideline = state.guidelines[offer.page[0].guideline]
    shown = {n for n, _ in enumerate(offer.page, 1) if offer.served.pictures[n - 1 : n] != ("",)}
    for position in sorted(set(found) - shown):
        what = f"image {position} was answered, and the page shows {', '.join(map(str, sorted(shown))) or 'none'}"
        refuse(state, offer.served, offer.given, "no-such-image", what, position)
    for position, row in enumerate(offer.page, 1):
        choices = found.get(position)
        entry = state.holds.get((offer.person, row.task_key))
        if position not in shown:
            continue
        if choices is None:
            if entry is not None and entry.source is not None:
                state.gone[offer.person, row.task_key] = (entry, offer.person, offer.given.updated_at)
        elif len(choices) != 1:
            what = f"image {position} has {len(choices)} choices: {', '.join(map(ascii, choices[:5]))}"
            refuse(state, offer.served, offer.given, "not-one-choice", what, position)
        elif choices[0] not in guideline.choices:
            allowed = ", ".join(guideline.choices)
            what = f"image {position} has {choices[0][:80]!a}; {guideline.version} allows {allowed}"
            refuse(state, offer.served, offer.given, "unknown-choice", what, position)
        elif entry is None or entry.choice != choices[0]:
            judgment = _judgment(offer, row, choices[0], guideline, entry)
            at = datetime.fromisoformat(judgment.judged_at or "").astimezone(UTC)
            state.changes.append((at, offer.given.annotation, position, judgment))


def _judgment(offer: Offer, row: PlanRow, choice: str, guideline: Guideline, entry: LogEntry | None) -> Judgment:
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


def _skip(offers: Sequence[Offer], holders: Collection[ServerRecord], state: Reconciliation) -> None:
    """The person skipped a page that the log has an answer of: the answer is taken back."""
    for offer in offers:
        if offer.given.cancelled and offer.where in holders:
            for row in offer.page:
                entry = state.holds.get((offer.person, row.task_key))
                if entry is not None and entry.source == offer.where:
                    state.gone[offer.person, row.task_key] = (entry, offer.person, offer.given.updated_at)


def _find_deleted(served: Sequence[Served], state: Reconciliation) -> None:
    """Judgments whose task was read and whose annotation is nowhere in it, or anywhere else."""
    numbers = {given.annotation for page in served for given in page.given}
    read = {(page.project, page.task): page for page in served}
    for key, entry in state.holds.items():
        source = entry.source
        page = read.get((source.project, source.task)) if source else None
        if source is None or page is None or source.annotation in numbers:
            continue
        if (entry.assessor, page.page_key) in state.settled:
            continue
        # The page of this number must be the one that was judged: numbers begin anew with a server's data base.
        asked = state.pages.get(page.page_key or "", ())
        if any(row.task_key == entry.key and is_asked(entry.assessor, row.assessor, state.people) for row in asked):
            by = state.people.names.get(page.updated_by) if page.updated_by is not None else None
            if page.updated_by is not None and page.updated_by == state.people.manager:
                by = entry.assessor  # the manager may
            state.gone[key] = (entry, by or f"user {page.updated_by}", page.updated_at)


def _hold_back(state: Reconciliation) -> list[Held]:
    """Which of the judgments that are gone are not withdrawn without a manager's word."""
    have = Counter(assessor for assessor, _ in state.holds)
    mine: dict[str, list[LogEntry]] = defaultdict(list)
    others: dict[tuple[str, str], list[LogEntry]] = defaultdict(list)
    for (assessor, _), (line, by, _) in sorted(state.gone.items(), key=lambda item: item[0]):
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


def _withdrawal(entry: LogEntry, by: str, at: str | None) -> Judgment:
    kept = entry.model_dump(include=set(Judgment.model_fields))
    return Judgment.model_validate(
        kept | {
            "action": "withdrawn", "supersedes": entry.hash, "choice": None, "grade": None,
            "seconds": None, "judged_at": at, "source": entry.source,
        }
    )  # fmt: skip
