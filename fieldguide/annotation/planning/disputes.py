"""Disputes: what the adjudicator is asked, because assessors do not agree or none of them can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from fieldguide.annotation.judgments.log import LogEntry, current, task_key
from fieldguide.annotation.judgments.votes import Pair, answer, rulings, topic_of, votes
from fieldguide.annotation.planning.draws import draw
from fieldguide.annotation.planning.plan import page_key
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.errors import FieldguideError
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY, PLAN, PlanRow, plan_rows

BROKEN = "broken-image"
"""The one choice without a grade that needs no ruling where all give it: looking again mends no file."""


def disputed(
    entries: Iterable[LogEntry], plan: pd.DataFrame, annotate: Annotate, *, partial: bool = False
) -> pd.DataFrame:
    """Rows to add to the plan for the adjudicator.

    A pair is asked once everybody who was asked about it, and is still there, has judged it (with `partial`, at
    once). It is asked again, in the next pass, if the log shows votes changed after the ruling that are other than
    before it and still need one. A pair that waits for the adjudicator's answer is not asked twice.

    Order: topics shuffled by annotate.seed, a subtopic's images together in pool order; all of it after what is in
    the adjudicator's queue already. Each row is a page of its own.

    Args:
        entries: the log.
        plan: records.plan.PLAN.
        annotate: section of params.yaml; `adjudicator` must be set.
        partial: do not wait for judgments that are missing.

    Returns:
        records.plan.PLAN, the new rows alone.

    Raises:
        FieldguideError: annotate.adjudicator is empty.
    """
    if annotate.adjudicator is None:
        raise FieldguideError(
            "annotate.adjudicator: is empty in params.yaml; name who decides where assessors disagree"
        )
    lines, rows = list(entries), plan_rows(plan)
    said, before = votes(lines), _before_ruling(lines)
    asked = grouped((row.pair, row) for row in rows)
    wanted = {
        pair: by
        for pair, by in said.items()
        if needs_ruling(by)
        and (partial or _is_complete(by, asked.get(pair, ()), annotate))
        and before.get(pair) != _answers(by)
    }
    waiting = _waiting(rows, lines, annotate.adjudicator)
    new = {pair: by for pair, by in wanted.items() if pair not in waiting}
    return PLAN.frame(list(_new_rows(new, asked, rows, annotate.adjudicator, annotate.seed)))


def needs_ruling(by: Mapping[str, LogEntry]) -> bool:
    """Whether votes differ, or all say the same and it gives no grade (other than `broken-image`)."""
    answers = _answers(by)
    return len(answers) > 1 or any(isinstance(given, str) and given != BROKEN for given in answers)


def _answers(by: Mapping[str, LogEntry]) -> Counter[int | str]:
    return Counter(answer(vote) for vote in by.values())


def _is_complete(by: Mapping[str, LogEntry], asked: Sequence[PlanRow], annotate: Annotate) -> bool:
    awaited = {row.assessor for row in asked if row.purpose in ("judge", "gold")}
    if ANYBODY in awaited and len(by) < annotate.overlap:
        return False
    return awaited & set(annotate.assessors) <= set(by)


def _before_ruling(entries: Sequence[LogEntry]) -> dict[Pair, Counter[int | str]]:
    """What the votes on each ruled pair were in the lines before the ruling."""
    ruled = rulings(entries)
    earlier = [e for e in entries if (r := ruled.get((e.subtopic_id, e.image_id))) is not None and e.seq < r.seq]
    then = votes(earlier)
    return {pair: _answers(then.get(pair, {})) for pair in ruled}


def _waiting(rows: Iterable[PlanRow], entries: Iterable[LogEntry], adjudicator: str) -> set[Pair]:
    """Pairs that the adjudicator was asked about and has not answered."""
    given = {e.key for e in current(entries) if e.assessor == adjudicator}
    return {
        (row.subtopic_id, row.image_id)
        for row in rows
        if row.purpose == "adjudicate" and row.assessor == adjudicator and row.task_key not in given
    }


def _new_rows(
    wanted: Mapping[Pair, Mapping[str, LogEntry]],
    asked: Mapping[Pair, Sequence[PlanRow]],
    rows: Iterable[PlanRow],
    adjudicator: str,
    seed: int,
) -> Iterator[dict[str, object]]:
    rank = {pair: min((row.rank for row in asked.get(pair, ())), default=1) for pair in wanted}
    order = sorted(wanted, key=lambda p: (draw(seed, "adjudicate", topic_of(p[0])), p[0], rank[p], p[1]))
    last = max((row.queue for row in rows if row.assessor == adjudicator), default=0)
    for queue, (subtopic_id, image_id) in enumerate(order, last + 1):
        pair = (subtopic_id, image_id)
        # The version of the latest vote: what the ruling decides on was given by it.
        guideline = max(wanted[pair].values(), key=lambda vote: vote.seq).guideline
        pass_ = 1 + max((row.pass_ for row in asked.get(pair, ()) if row.purpose == "adjudicate"), default=0)
        key = task_key(subtopic_id, image_id, guideline, pass_)
        yield {
            "assessor": adjudicator, "task_key": key, "subtopic_id": subtopic_id, "image_id": image_id,
            "guideline": guideline, "pass": pass_, "purpose": "adjudicate", "sighted": False, "rank": rank[pair],
            "page_key": page_key(adjudicator, [key]), "position": 1, "queue": queue,
        }  # fmt: skip
