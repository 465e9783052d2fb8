"""Pull: what people gave on the server, into the judgment log. Pulling twice appends nothing.

The order of writing makes a kill harmless wherever it strikes: quarantine, log, cursor. What is not in the log yet
is found again by the next pull, since that is decided by what the log holds and not by what was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fieldguide.annotation.judgments import log, quarantine
from fieldguide.annotation.judgments.guidelines import Guideline, archived, refuse_labels
from fieldguide.annotation.judgments.quarantine import Quarantined
from fieldguide.annotation.label_studio.accounts import Accounts, read_accounts, with_user_ids
from fieldguide.annotation.label_studio.client import address_of, speaking
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.sync.cursor import (
    Cursor,
    Reading,
    Seen,
    read_cursor,
    read_project,
    tasks_of,
    write_cursor,
)
from fieldguide.annotation.sync.offers import ServerUsers
from fieldguide.annotation.sync.reconcile import Held, Reconciled, reconcile
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, locked, sha256_file
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.records.plan import PLAN, PlanRow, plan_rows

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

# Each append verifies the whole chain (about 50 microseconds a line), so that few are made; a kill loses none of it.
_BATCH = 5000
_SHOWN = 3
_RULES = 1


@dataclass(frozen=True)
class Pulled:
    """What a pull did.

    Attributes:
        whole: everything was read; False: what changed since the last pull.
        projects: of ours on the server.
        pages: tasks read; read: annotations in them.
        judged, superseded, withdrawn: lines appended to the log.
        quarantined: lines appended to quarantine.jsonl.
        held: judgments that are gone on the server and were not withdrawn.
        skipped: pages that their assessors skipped, of those read.
        gone: judgments whose task is not on the server any more; they stand.
        notes: what a manager should know, one sentence each.
    """

    whole: bool
    projects: int
    pages: int
    read: int
    judged: int
    superseded: int
    withdrawn: int
    quarantined: int
    held: int
    skipped: int
    gone: int
    notes: tuple[str, ...]

    @property
    def appended(self) -> int:
        """Lines appended to the log."""
        return self.judged + self.superseded + self.withdrawn


@dataclass(frozen=True)
class _Basis:
    """All that decides what is taken of what is read."""

    before: log.Log
    rows: Sequence[PlanRow]
    guidelines: dict[str, Guideline]
    people: ServerUsers
    context: str


def pull(
    client: LabelStudio,
    paths: Paths,
    annotate: Annotate,
    benchmark: str,
    track: Track = silent,
    *,
    accounts: Accounts | None = None,
    accept_withdrawals: bool = False,
    full: bool = False,
) -> Pulled:
    """Append to the log what people gave since it was written; refuse into quarantine what is no judgment.

    Args:
        client: speaks as the manager.
        paths: plan, log, quarantine and guidelines are there.
        annotate: names the assessors.
        benchmark: its name, params.release.name.
        track: shows how far the reading is.
        accounts: who is who; those of `paths` where None.
        accept_withdrawals: withdraw also what was held back (see reconcile.py).
        full: read everything, also what did not change.

    Raises:
        FieldguideError: another pull runs; the log's chain is broken, or it holds a data set's labels; the server
            cannot be read. Nothing is lost by pulling again.
    """
    with locked(paths.annotation_state / "pull.lock", wait=False):
        before = _verified_log(paths)
        projects = [project.id for project in find_projects(client, benchmark)]
        with speaking(address_of(client)):
            who = with_user_ids(client, accounts or read_accounts(paths))
        basis = _basis(paths, annotate, before, who, address_of(client))
        cursor = None if full or accept_withdrawals else _fitting(paths, basis)
        readings = _read(client, projects, cursor, track)
        found = _reconcile(readings, basis, accept_withdrawals)
        taken_back = any(judgment.action == "withdrawn" for judgment in found.judgments)
        if (taken_back or found.held) and not all(reading.whole for reading in readings.values()):
            # What is gone in one task may lie in another: that is decided on everything.
            readings = _read(client, projects, None, track)
            found = _reconcile(readings, basis, accept_withdrawals)
        return _write(paths, basis, found, readings)


def _verified_log(paths: Paths) -> log.Log:
    path = paths.judgments
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return log.Log(())
    log.refuse_link(path)
    before = log.read(path)
    refuse_labels(before.entries, path)
    return before


def _basis(paths: Paths, annotate: Annotate, before: log.Log, accounts: Accounts, url: str) -> _Basis:
    if not paths.asked.exists():
        raise FieldguideError(f"{paths.asked}: no such file, so that nobody was asked; `fieldguide annotate plan`")
    names = {a.user_id: name for name, a in accounts.people.items() if a.user_id is not None}
    guidelines = archived(paths.used_guidelines)
    context = content_key(
        rules=_RULES,
        server=url,
        plan=sha256_file(paths.asked),
        names={str(number): name for number, name in names.items()},
        manager=accounts.manager.user_id,
        assessors=annotate.assessors,
        guidelines={version: g.model_dump(mode="json") for version, g in guidelines.items()},
    )
    people = ServerUsers(names, frozenset(annotate.assessors), accounts.manager.user_id)
    return _Basis(before, plan_rows(PLAN.read(paths.asked)), guidelines, people, context)


def _fitting(paths: Paths, basis: _Basis) -> Cursor | None:
    """The cursor, if log and quarantine still hold what it read, and it would be read the same way now."""
    cursor = read_cursor(_cursor(paths))
    if cursor is None or cursor.context != basis.context or cursor.quarantine != _quarantine_hash(paths):
        return None
    known = {entry.hash for entry in basis.before.entries}
    return cursor if cursor.head is None or cursor.head in known else None


def _read(client: LabelStudio, projects: Sequence[int], cursor: Cursor | None, track: Track) -> dict[int, Reading]:
    seen: dict[int, Seen] = cursor.projects if cursor else {}
    with speaking(address_of(client)):
        readings = {project: read_project(client, project, seen.get(project), track) for project in projects}
    return {project: reading for project, reading in readings.items() if reading is not None}


def _reconcile(readings: dict[int, Reading], basis: _Basis, accept_withdrawals: bool) -> Reconciled:
    pages = [page for _, reading in sorted(readings.items()) for page in reading.pages]
    return reconcile(
        pages, tasks_of(readings), basis.rows, basis.before.entries, basis.guidelines, basis.people, accept_withdrawals
    )


def _write(paths: Paths, basis: _Basis, found: Reconciled, readings: dict[int, Reading]) -> Pulled:
    refused = quarantine.append(paths.quarantine, found.refused)
    after = basis.before
    for start in range(0, len(found.judgments), _BATCH):
        after = log.append(paths.judgments, found.judgments[start : start + _BATCH])
    if found.held:
        _cursor(paths).unlink(missing_ok=True)  # to be named, or accepted, by the next pull
    else:
        projects = {project: reading.seen for project, reading in readings.items()}
        write_cursor(
            _cursor(paths),
            Cursor(context=basis.context, head=after.head, quarantine=_quarantine_hash(paths), projects=projects),
        )
    actions = Counter(judgment.action for judgment in found.judgments)
    return Pulled(
        whole=all(reading.whole for reading in readings.values()),
        projects=len(readings),
        pages=sum(len(reading.pages) for reading in readings.values()),
        read=found.read,
        judged=actions["judged"],
        superseded=actions["superseded"],
        withdrawn=actions["withdrawn"],
        quarantined=len(refused),
        held=sum(len(held.lines) for held in found.held),
        skipped=found.skipped,
        gone=found.gone,
        notes=tuple(_notes(basis, found, refused, readings)),
    )


def _notes(basis: _Basis, found: Reconciled, refused: Sequence[Quarantined], readings: dict[int, Reading]) -> list[str]:
    notes = [basis.before.torn] if basis.before.torn else []
    if not readings:
        notes.append("no project of this benchmark is on the server; `fieldguide annotate push` makes them")
    notes.extend(
        f"project {number}: the server counts {reading.seen.annotations} annotations, and "
        f"{reading.seen.annotations - reading.seen.unread} could be read"
        for number, reading in sorted(readings.items())
        if reading.seen.unread
    )
    if found.gone:
        notes.append(
            f"{found.gone} judgments come from tasks that are not on the server any more; "
            "they stand, and `fieldguide annotate push` asks only for what the log does not hold"
        )
    notes.extend(_held_note(held) for held in found.held)
    for reason, count in sorted(Counter(r.reason for r in refused).items()):
        remedy = next(r.remedy for r in refused if r.reason == reason)
        notes.append(f"quarantined, {reason} ({count}): {remedy}")
    return notes


def _held_note(held: Held) -> str:
    shown = [f"{line.subtopic_id} {line.image_id}" for line in held.lines[:_SHOWN]]
    more = f" and {len(held.lines) - _SHOWN} more" if len(held.lines) > _SHOWN else ""
    return (
        f"{held.assessor}: {len(held.lines)} judgments are gone on the server and are held ({held.why}): the log "
        f"keeps {', '.join(shown)}{more}. Let the pages be judged again, or accept it: "
        "`fieldguide annotate pull --accept-withdrawals`"
    )


def _cursor(paths: Paths) -> Path:
    return paths.annotation_state / "pull.json"


def _quarantine_hash(paths: Paths) -> str | None:
    return sha256_file(paths.quarantine) if paths.quarantine.exists() else None
