"""Which of the possible questions become topics: balanced over answers, naming, groups, features. Pure computation."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fieldguide.queries.topics.questions import CHOOSING, NO, YES, CandidateQuestion, draw_key

# Form and number of entities: answers are balanced within each.
Stratum = tuple[str, int]
_Rank = tuple[int, int, int, int, str]
_Heap = list[tuple[_Rank, int, CandidateQuestion]]


@dataclass
class _Taken:
    """What was chosen so far, counted. Counts only grow, which is what the lazy heaps rely on."""

    per_group: int
    feature_share: int
    topics: list[CandidateQuestion] = field(default_factory=list)
    meanings: set[object] = field(default_factory=set)
    answers: Counter[object] = field(default_factory=Counter)
    used: Counter[object] = field(default_factory=Counter)

    def rank(self, candidate: CandidateQuestion, tie: str) -> _Rank:
        """Least is best: a group and a feature, a feature of the group, and a naming order that were used least.

        A feature that has had its even share of all topics weighs as much as a group that has one more.
        """
        subject = candidate.subject
        return (
            self.used["group", subject.group_id] + self.used["feature", subject.feature] // self.feature_share,
            self.used["subject", subject.group_id, subject.feature],
            self.used["feature", subject.feature],
            self.used["first", _stratum(candidate), candidate.first_named],
            tie,
        )

    def fits(self, candidate: CandidateQuestion) -> bool:
        full = self.used["group", candidate.subject.group_id] >= self.per_group
        return not full and candidate.meaning not in self.meanings

    def take(self, candidate: CandidateQuestion) -> None:
        subject = candidate.subject
        self.topics.append(candidate)
        self.meanings.add(candidate.meaning)
        self.answers[_stratum(candidate), candidate.answer_class] += 1
        self.answers[candidate.form, candidate.answer_class] += 1
        self.used["group", subject.group_id] += 1
        self.used["subject", subject.group_id, subject.feature] += 1
        self.used["first", _stratum(candidate), candidate.first_named] += 1
        self.used["feature", subject.feature] += 1


def select(
    candidates: Iterable[CandidateQuestion], max_topics: int, per_group: int, seed: int
) -> list[CandidateQuestion]:
    """Choose up to `max_topics`, at most `per_group` of a group, no two that ask the same.

    Forms and group sizes (strata) take turns. Invariant: within a stratum the numbers of topics of any two
    answer classes (yes and no; the entity named first, second, ...) differ by at most one, since a
    stratum ends when the class that is due has no candidate left.
    """
    pool = list(candidates)
    features = {candidate.subject.feature for candidate in pool}
    taken = _Taken(per_group, max(1, max_topics // max(1, len(features))))
    heaps: dict[Stratum, dict[str, _Heap]] = defaultdict(lambda: defaultdict(list))
    for number, candidate in enumerate(pool):
        entry = (taken.rank(candidate, draw_key(seed, candidate)), number, candidate)
        heaps[_stratum(candidate)][candidate.answer_class].append(entry)
    for classes in heaps.values():
        for heap in classes.values():
            heapq.heapify(heap)
    strata = sorted(heaps)
    while strata and len(taken.topics) < max_topics:
        for stratum in list(strata):
            if len(taken.topics) < max_topics and not _take_one(stratum, heaps[stratum], taken):
                strata.remove(stratum)
    return taken.topics


def _stratum(candidate: CandidateQuestion) -> Stratum:
    return candidate.form, len(candidate.entities)


def answer_classes(form: str, size: int) -> list[str]:
    """The answers that a form over `size` entities can have."""
    return [f"named {place}." for place in range(1, size + 1)] if form in CHOOSING else [NO, YES]


def _take_one(stratum: Stratum, heaps: dict[str, _Heap], taken: _Taken) -> bool:
    """Take the best candidate of a class that is due; False if none of those has any left."""
    counts = {name: taken.answers[stratum, name] for name in answer_classes(*stratum)}
    due = [name for name, count in counts.items() if count == min(counts.values())]
    for name in sorted(due, key=lambda name: (taken.answers[stratum[0], name], name)):
        heap = heaps[name]
        while heap:
            rank, number, candidate = heapq.heappop(heap)
            if not taken.fits(candidate):
                continue
            now = taken.rank(candidate, rank[-1])
            if now > rank:  # others of its kind were taken since it was put there: back to its new place
                heapq.heappush(heap, (now, number, candidate))
                continue
            taken.take(candidate)
            return True
    return False


def without_surplus(
    chosen: Sequence[CandidateQuestion], most: float
) -> tuple[list[CandidateQuestion], list[CandidateQuestion]]:
    """Leave out questions, the last chosen first, until no answer takes more than the share `most` of a form.

    Where few entities share a value nearly all answers of a form are the same, and a system that never looks would be
    right. A form that keeps one question has no share. Returns (kept, left out), in the order of `chosen`.
    """
    kept = list(chosen)
    for form in sorted({candidate.form for candidate in chosen}):
        while True:
            counts = Counter(candidate.answer_class for candidate in kept if candidate.form == form)
            answer, count = max(counts.items(), key=lambda item: (item[1], item[0]))
            if counts.total() == 1 or count <= most * counts.total():
                break
            surplus = (n for n, c in enumerate(kept) if (c.form, c.answer_class) == (form, answer))
            del kept[max(surplus)]
    staying = {id(candidate) for candidate in kept}
    return kept, [candidate for candidate in chosen if id(candidate) not in staying]
