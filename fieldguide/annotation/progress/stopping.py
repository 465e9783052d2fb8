"""Stopping rules: which pages are asked now, and of which subtopics no more is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.pages import rows_by_page
from fieldguide.annotation.planning.section import Stopping
from fieldguide.annotation.progress.counts import AnswerCounts
from fieldguide.annotation.progress.unseen_relevant import UnseenRelevant, estimate_unseen
from fieldguide.core.errors import FieldguideError
from fieldguide.records.plan import ANYBODY, PlanRow, plan_rows

ENOUGH_FOUND = 10
"""Relevant images that must be found before the number of missed ones is believed. Chosen on the example: with 5,
some subtopics ended with an eighth of their relevant images, before two systems could have disagreed."""

_Page = Sequence[PlanRow]


@dataclass(frozen=True)
class StoppingVerdict:
    """How far the judging of one subtopic is.

    Attributes:
        pooled: images in its plan (gold that is not pooled left out).
        judged: of these, judged by all who are asked.
        relevant: of the judged ones, those to which anybody gave a grade above 0: a doubt keeps the judging going.
        run: non-relevant images in a row, in pool order, behind the last relevant one; images that nobody could
            grade are passed over. It ends at the first image that is not judged yet.
        missed: estimated number of relevant images not seen yet; None where there are no pools to estimate from.
        stopped: nothing more is asked.
        why: in words.
    """

    subtopic_id: str
    pooled: int
    judged: int
    relevant: int
    run: int
    missed: UnseenRelevant | None
    stopped: bool
    why: str


@dataclass(frozen=True)
class PlanAndLog:
    """What is asked of whom, and what they answered.

    Attributes:
        plan: records.plan.PLAN.
        entries: the judgment log.
        stopping: the rule; None: everything is asked.
        pools: records.POOLS; the rule `missed` needs them.
        overlap: judgments wanted of a page of a shared project (of `anybody`).
        assessors: who is still asked; None: everybody in the plan.
        adjudicator: who decides now, empty where nobody does; None: whoever the plan names.
        guidelines: versions that are still judged by; None: all.
        impossible: pairs that nobody can be asked, since the image cannot be shown; nothing waits for them.
    """

    plan: pd.DataFrame
    entries: Sequence[LogEntry]
    stopping: Stopping | None = None
    pools: pd.DataFrame | None = None
    overlap: int = 1
    assessors: Collection[str] | None = None
    adjudicator: str | None = None
    guidelines: Collection[str] | None = None
    impossible: Collection[Pair] = ()

    def open_rows(self) -> Iterator[PlanRow]:
        """Rows that can still be answered: those of people who are asked, by guidelines in force."""
        for row in plan_rows(self.plan):
            in_force = self.guidelines is None or row.guideline in self.guidelines
            if in_force and self._is_asked(row) and row.pair not in self.impossible:
                yield row

    def _is_asked(self, row: PlanRow) -> bool:
        if row.purpose == "adjudicate":
            return self.adjudicator is None or row.assessor == self.adjudicator
        return self.assessors is None or row.assessor in (*self.assessors, ANYBODY)

    @cached_property
    def state(self) -> _State:
        """The same, looked up by page and by pair."""
        return _State(self)


def due(asked: PlanAndLog) -> set[str]:
    """Pages that are to be on the server now.

    Without a rule all of them. With one, each assessor gets a subtopic's pages in waves of `wave`, the next when the
    one before is judged; nobody gets further ahead than a wave beyond what everybody asked has judged, because the
    rule can only decide on what all have judged. Of a stopped subtopic only pages that somebody began are due. A
    repeat is due if all pages that it repeats are; pages of the adjudicator always are. A page that is due no more
    may have been shown already: an answer to it is as good as any.

    Raises:
        FieldguideError: the rule needs the pools.
    """
    state = asked.state
    first = [page for page in state.pages.values() if page[0].purpose in ("judge", "gold")]
    if asked.stopping is None:
        return set(state.pages)
    stopped = {v.subtopic_id for v in verdicts(asked) if v.stopped}
    keys = {key for key, page in state.pages.items() if page[0].purpose == "adjudicate"}
    keys |= {page[0].page_key for page in first if any(map(state.is_answered, page))}
    blocks: dict[str, dict[str, list[_Page]]] = defaultdict(lambda: defaultdict(list))
    for page in sorted(first, key=lambda page: page[0].queue):
        blocks[page[0].subtopic_id][page[0].assessor].append(page)
    for subtopic in blocks.keys() - stopped:
        keys |= _waves(blocks[subtopic], state, asked.stopping.wave)
    return keys | _repeats(state, keys)


def verdicts(asked: PlanAndLog) -> list[StoppingVerdict]:
    """How far each subtopic of the plan is, in the order of their ids. Errors as `due`."""
    stopping = asked.stopping
    if stopping is not None and stopping.rule == "missed" and asked.pools is None:
        raise FieldguideError("annotate.stopping: the rule `missed` needs data/pools; `dvc repro pool` makes them")
    found = None if asked.pools is None else _ranks(asked.pools)
    return [_verdict(subtopic, images, stopping, found) for subtopic, images in sorted(asked.state.pools.items())]


class _State:
    """What was asked and what of it is answered."""

    def __init__(self, asked: PlanAndLog) -> None:
        self.pages = rows_by_page(asked.open_rows())
        self.answers = AnswerCounts(asked.entries, asked.overlap)
        versions = {row.guideline for page in self.pages.values() for row in page}
        self.grades: dict[Pair, list[int | None]] = defaultdict(list)
        for entry in current(asked.entries):
            if entry.guideline in versions:
                self.grades[entry.subtopic_id, entry.image_id].append(entry.grade)

    def is_answered(self, row: PlanRow) -> bool:
        """The assessor judged it; in a shared project, as many as are wanted did."""
        return self.answers.complete(row)

    @cached_property
    def pools(self) -> dict[str, list[_Image]]:
        """Each subtopic's images in pool order."""
        decided: dict[Pair, bool] = {}
        ranks: dict[Pair, int] = {}
        for page in self.pages.values():
            for row in page:
                if row.purpose in ("judge", "gold") and row.rank > 0:
                    pair = row.pair
                    decided[pair] = decided.get(pair, True) and self.is_answered(row)
                    ranks[pair] = row.rank
        order: dict[str, list[_Image]] = defaultdict(list)
        for subtopic, image in sorted(ranks, key=lambda pair: (pair[0], ranks[pair], pair[1])):
            grades = [g for g in self.grades.get((subtopic, image), []) if g is not None]
            relevant = any(g > 0 for g in grades) if grades else None
            order[subtopic].append(_Image(image, decided[subtopic, image], relevant))
        return dict(order)


@dataclass(frozen=True)
class _Image:
    """`decided`: all who are asked have answered. `relevant`: None where nobody gave a grade."""

    image_id: str
    decided: bool
    relevant: bool | None


def _waves(blocks: Mapping[str, Sequence[_Page]], state: _State, wave: int) -> set[str]:
    """The due pages of one subtopic that is not stopped, for each assessor."""
    waves = {a: [pages[i : i + wave] for i in range(0, len(pages), wave)] for a, pages in blocks.items()}
    done: dict[str, int] = {}
    for assessor, mine in waves.items():
        undone = (i for i, pages in enumerate(mine) if not all(state.is_answered(r) for p in pages for r in p))
        done[assessor] = next(undone, len(mine))
    behind = min((d for a, d in done.items() if d < len(waves[a])), default=0)
    return {
        page[0].page_key
        for assessor, mine in waves.items()
        for pages in mine[: min(done[assessor], behind + 1) + 1]
        for page in pages
    }


def _repeats(state: _State, keys: Collection[str]) -> set[str]:
    asked = {(r.assessor, r.subtopic_id, r.image_id) for key in keys for r in state.pages[key] if r.purpose != "repeat"}
    return {
        key
        for key, page in state.pages.items()
        if page[0].purpose == "repeat" and all((r.assessor, r.subtopic_id, r.image_id) in asked for r in page)
    }


def _ranks(pools: pd.DataFrame) -> dict[Pair, list[int]]:
    columns = (pools["subtopic_id"], pools["image_id"], pools["ranks"])
    return {(str(s), str(i)): [int(r) for r in ranks] for s, i, ranks in zip(*columns, strict=True)}


def _verdict(
    subtopic: str, images: Sequence[_Image], stopping: Stopping | None, ranks: Mapping[Pair, list[int]] | None
) -> StoppingVerdict:
    decided = [image for image in images if image.decided]
    relevant = sum(image.relevant is True for image in decided)
    missed = None
    if ranks is not None:
        missed = estimate_unseen(
            [ranks.get((subtopic, image.image_id), []) for image in decided if image.relevant],
            [ranks.get((subtopic, image.image_id), []) for image in images if not image.decided],
        )
    run = _run(images, stopping.count if stopping else None)
    stopped, why = _judgment(len(images) - len(decided), relevant, run, missed, stopping)
    return StoppingVerdict(subtopic, len(images), len(decided), relevant, run, missed, stopped, why)


def _run(images: Iterable[_Image], enough: int | None) -> int:
    """Non-relevant images in a row. Counting ends at `enough`: images judged after that do not change it."""
    run = 0
    for image in images:
        if not image.decided or run == enough:
            break
        run = 0 if image.relevant else run + (image.relevant is False)
    return run


def _judgment(
    left: int, relevant: int, run: int, missed: UnseenRelevant | None, stopping: Stopping | None
) -> tuple[bool, str]:
    """Whether a subtopic is stopped, and why."""
    if not left:
        return True, "every image of the pool is judged"
    if stopping is None:
        return False, f"{left} images left; no stopping rule"
    if stopping.rule == "consecutive":
        run_of = f"{run} non-relevant images in a row in pool order"
        return run == stopping.count, f"{run_of}; {stopping.count} end it"
    if missed is None or relevant < ENOUGH_FOUND:
        return False, f"{relevant} relevant images found; {ENOUGH_FOUND} are needed to estimate how many are missed"
    estimate = f"about {missed.estimate:.1f} relevant images missed, at most {missed.at_most:.1f} (95%)"
    return missed.at_most <= (stopping.bound or 0.0), f"{estimate}; {stopping.bound:g} end it"
