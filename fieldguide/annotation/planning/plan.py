"""The plan: who is asked about which image, on which page, in which order.

Pure: the same arguments give the same plan. A plan only grows: what was asked once stays asked, whatever happens
to pools, people or parameters, and only what it does not cover is added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import pandas as pd

from fieldguide.annotation.judgments.log import LogEntry, current, task_key
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.assignment import Assigner, pool_order
from fieldguide.annotation.planning.draws import draw
from fieldguide.annotation.planning.queueing import PlannedImage, QueuePage, in_order, repeats, with_repeats
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.files import content_key
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY, PLAN, PlanRow, plan_rows
from fieldguide.records.topics import Subtopic


def make_plan(
    pools: pd.DataFrame,
    subtopics: Mapping[str, Subtopic],
    annotate: Annotate,
    guideline: str,
    gold: Collection[Pair] = (),
    previous: pd.DataFrame | None = None,
    *,
    entries: Iterable[LogEntry] = (),
    compatible: Collection[str] = (),
) -> pd.DataFrame:
    """Plan what is not covered yet.

    Every pooled pair gets `overlap` different assessors. A pair is covered by rows of assessors who are still named
    in params.yaml and by judgments of anybody, under this guideline or a `compatible` one: what somebody who left
    did not judge is asked of others, and a guideline with other grades asks everything anew.

    Args:
        pools: records.POOLS.
        subtopics: all there are, by subtopic_id.
        annotate: section of params.yaml.
        guideline: version to judge by from now on.
        gold: pairs with known grades. Only those of planned subtopics are asked.
        previous: records.plan.PLAN, as it was; its rows are kept as they are.
        entries: the judgment log.
        compatible: other guideline versions with the same choices and grades.

    Returns:
        records.plan.PLAN, sorted by (assessor, queue, position).

    Raises:
        ProblemsError: unknown topics or subtopics in params.yaml, in the pools; an assessor's name that is taken.
    """
    _refuse(pools, subtopics, annotate)
    before = PLAN.frame([]) if previous is None else previous
    scope = _scope(pool_order(pools), subtopics, annotate.subtopics)
    earlier = plan_rows(before)
    known = _Known.of(earlier, entries, annotate, {guideline, *compatible})
    dealt = _dealt(scope, _gold_pairs(scope, gold, annotate, known), annotate, known)
    rows: list[dict[str, object]] = []
    for name in sorted(dealt):
        mine = [row for row in earlier if row.assessor == name]
        rows += _rows_of(name, dealt[name], mine, annotate, guideline, subtopics)
    plan = pd.concat([before, PLAN.frame(rows)], ignore_index=True) if rows else before
    return _typed(plan.sort_values(["assessor", "queue", "position"], kind="stable", ignore_index=True))


def page_key(assessor: str, task_keys: Sequence[str]) -> str:
    """Identity of a page: sha256 of who is asked and of what, in the order of the page's positions."""
    return content_key(assessor=assessor, task_keys=list(task_keys))


@dataclass(frozen=True)
class _Known:
    """What is covered already.

    Attributes:
        holders: per pair, who was asked (and is still there) or has judged.
        gold: pairs that were gold in the plan.
        ranks: per pair, its place in pool order when it was first asked.
    """

    holders: dict[Pair, set[str]]
    gold: frozenset[Pair]
    ranks: dict[Pair, int]

    @classmethod
    def of(cls, plan: Iterable[PlanRow], entries: Iterable[LogEntry], annotate: Annotate, versions: Set[str]) -> _Known:
        holders: dict[Pair, set[str]] = defaultdict(set)
        ranks: dict[Pair, int] = {}
        gold = set()
        there = {*annotate.assessors, ANYBODY}
        for row in plan:
            pair = (row.subtopic_id, row.image_id)
            if row.guideline not in versions or row.purpose not in ("judge", "gold"):
                continue
            ranks.setdefault(pair, row.rank)
            if row.purpose == "gold":
                gold.add(pair)
            if row.assessor in there:
                holders[pair].add(row.assessor)
        for entry in current(entries):
            if entry.guideline in versions and entry.role == "assessor":
                holders[entry.subtopic_id, entry.image_id].add(entry.assessor)
        return cls(dict(holders), frozenset(gold), ranks)


def _refuse(pools: pd.DataFrame, subtopics: Mapping[str, Subtopic], annotate: Annotate) -> None:
    topics = {s.topic.topic_id for s in subtopics.values()}
    problems = [
        Problem(f"annotate.subtopics: {name}", "is no topic and no subtopic of data/topics/topics.jsonl")
        for name in annotate.subtopics
        if name not in topics and name not in subtopics
    ]
    problems += [
        Problem(f"pools: {name}", "is pooled and no subtopic of the topics; `dvc repro pool` makes the pools anew")
        for name in sorted({str(s) for s in pools["subtopic_id"]} - set(subtopics))
    ]
    if ANYBODY in annotate.assessors:
        problems.append(Problem("annotate.assessors", f"{ANYBODY!r} stands for everybody; name the person otherwise"))
    if problems:
        raise ProblemsError("nothing was planned:", problems)


def _scope(
    order: Mapping[str, list[str]], subtopics: Mapping[str, Subtopic], only: Collection[str]
) -> dict[str, list[str]]:
    return {s: i for s, i in order.items() if not only or s in only or subtopics[s].topic.topic_id in only}


def _gold_pairs(
    scope: Mapping[str, list[str]], gold: Collection[Pair], annotate: Annotate, known: _Known
) -> frozenset[Pair]:
    """The gold that is asked: as much as the share allows, the same for everybody, earlier gold first."""
    if not annotate.gold_share:
        return frozenset()
    pairs = {pair for pair in gold if pair[0] in scope}
    chosen = sorted(pairs, key=lambda pair: (pair not in known.gold, draw(annotate.seed, "gold", *pair)))
    pooled = {(s, i) for s, images in scope.items() for i in images}
    shared = annotate.projects == "shared"
    each = 1.0 if shared else annotate.overlap / len(annotate.assessors)
    while chosen and chosen[-1] not in known.gold:
        others = int(len(pooled - set(chosen)) * each)
        if len(chosen) <= annotate.gold_share * (others + len(chosen)):
            break
        chosen.pop()
    return frozenset(chosen)


def _dealt(
    scope: Mapping[str, list[str]], gold: Set[Pair], annotate: Annotate, known: _Known
) -> dict[str, dict[str, list[PlannedImage]]]:
    """Per assessor and subtopic what is asked in addition: judge rows in pool order, gold somewhere among them."""
    shared = annotate.projects == "shared"
    names = [ANYBODY] if shared else list(annotate.assessors)
    assigner = Assigner(names, annotate.seed)
    assigner.know({p: h for p, h in known.holders.items() if p not in gold})
    dealt: dict[str, dict[str, list[PlannedImage]]] = {name: {} for name in names}
    for subtopic, images in scope.items():
        for rank, image in enumerate(images, 1):
            pair = (subtopic, image)
            if pair in gold:
                continue
            wanted = _wanted(known.holders.get(pair, set()), annotate)
            for name in assigner.deal(pair, known.holders.get(pair, set()), wanted):
                question = PlannedImage(subtopic, image, known.ranks.get(pair, rank), "judge")
                dealt[name].setdefault(subtopic, []).append(question)
    for subtopic, image in sorted(gold):
        if subtopic not in scope:
            continue
        rank = scope[subtopic].index(image) + 1 if image in scope[subtopic] else 0
        question = PlannedImage(subtopic, image, known.ranks.get((subtopic, image), rank), "gold")
        for name in sorted(set(names) - known.holders.get((subtopic, image), set())):
            _hide(dealt[name].setdefault(subtopic, []), question, name, annotate)
    return dealt


def _wanted(holders: Set[str], annotate: Annotate) -> int:
    """How many more assessors are to be asked."""
    missing = 0 if ANYBODY in holders else max(0, annotate.overlap - len(holders))
    return min(1, missing) if annotate.projects == "shared" else missing


def _hide(questions: list[PlannedImage], gold: PlannedImage, assessor: str, annotate: Annotate) -> None:
    """Put gold among a subtopic's other questions; with a stopping rule, among those that are asked in any case."""
    reach = len(questions)
    if annotate.stopping is not None:
        reach = min(reach, annotate.stopping.wave * annotate.page - 1)
    place = int(draw(annotate.seed, "hide", assessor, gold.subtopic_id, gold.image_id) * (reach + 1))
    questions.insert(place, gold)


def _rows_of(
    name: str,
    dealt: Mapping[str, list[PlannedImage]],
    mine: Sequence[PlanRow],
    annotate: Annotate,
    guideline: str,
    subtopics: Mapping[str, Subtopic],
) -> Iterator[dict[str, object]]:
    """One assessor's new rows, page by page, in the assessor's order, with the repeats."""
    blocks = {s: list(_pages(name, questions, annotate)) for s, questions in dealt.items()}
    topics = {s: subtopics[s].topic.topic_id for s in blocks}
    new = in_order(blocks, topics, lambda topic: draw(annotate.seed, "order", name, topic))
    first = max((row.queue for row in mine), default=0) + 1
    pages = _earlier(row for row in mine if row.guideline == guideline) | dict(enumerate(new, first))
    again = repeats(pages, annotate, lambda page: draw(annotate.seed, "repeat", name, *page.name)) if new else []
    for queue, page in enumerate(with_repeats(new, again, first), first):
        pass_ = 2 if page.purpose == "repeat" else 1
        keys = [task_key(q.subtopic_id, q.image_id, guideline, pass_) for q in page.questions]
        whole = page_key(name, keys)
        for position, (key, question) in enumerate(zip(keys, page.questions, strict=True), 1):
            yield {
                "assessor": name, "task_key": key, "subtopic_id": question.subtopic_id, "image_id": question.image_id,
                "guideline": guideline, "pass": pass_, "purpose": question.purpose, "sighted": page.sighted,
                "rank": question.rank, "page_key": whole, "position": position, "queue": queue,
            }  # fmt: skip


def _pages(name: str, questions: Sequence[PlannedImage], annotate: Annotate) -> Iterator[QueuePage]:
    """Consecutive questions of one subtopic by the page, each page shuffled. A page with gold shows no guesses."""
    share = annotate.preannotation.share if annotate.preannotation else 0.0
    for start in range(0, len(questions), annotate.page):
        page = questions[start : start + annotate.page]
        blind = any(q.purpose == "gold" for q in page)
        sighted = not blind and draw(annotate.seed, "sight", name, page[0].subtopic_id, page[0].image_id) < share
        places = {q: draw(annotate.seed, "place", name, q.subtopic_id, q.image_id) for q in page}
        yield QueuePage(tuple(sorted(page, key=lambda q: places[q])), sighted)


def _earlier(rows: Iterable[PlanRow]) -> dict[int, QueuePage]:
    """An assessor's pages of the plan so far, by place in the queue."""
    pages = grouped((row.queue, row) for row in sorted(rows, key=lambda row: (row.queue, row.position)))
    return {
        queue: QueuePage(
            tuple(PlannedImage(r.subtopic_id, r.image_id, r.rank, r.purpose) for r in page), page[0].sighted
        )
        for queue, page in pages.items()
    }


def _typed(plan: pd.DataFrame) -> pd.DataFrame:
    """With the dtypes that PLAN.read gives."""
    return plan.astype(dict.fromkeys(("pass", "rank", "position", "queue"), "int64") | {"sighted": bool})
