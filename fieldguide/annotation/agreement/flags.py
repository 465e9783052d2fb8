"""Flags: what a manager should look into, each with its evidence in words.

A flag is a reason to talk to somebody, not a proof. Where it can, a test compares people on the same images, since
pools and stopping rules show easy images first: rates change along the queue without anybody changing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from types import MappingProxyType
from typing import Literal, NamedTuple

from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair, VotesByPair

Kind = Literal["too fast", "constant answers", "drift", "gold failed"]

LEAST_SECONDS = 0.4
"""An image. Nobody compares an image with a question in less: seeing and pressing a key takes about so long."""
LEAST_OF_OTHERS = 1 / 3
"""Of the median of the others' medians."""
TIMES_NEEDED = 20
RECENT = (50, 200)
"""Answers looked at for one choice again and again, beside all of them: the end of a pool is alike to everybody."""
CONSTANT_FROM = 0.9
"""Share of one choice among the recent answers from which they are tested."""
ALPHA = 0.001
"""Of tests that are looked at again at every `status`: a rare false alarm is the price of looking often."""
GOLD_ALPHA = 0.05
LEAST_KNOWN = 5
"""Images of gold or with a ruling that can prove somebody right."""
GOOD = 0.9
"""Share of gold that is right with care: gold is made of clear cases."""


@dataclass(frozen=True)
class Flag:
    """One thing to look into, with the figures that it rests on."""

    kind: Kind
    evidence: str


def flags(
    name: str,
    said: VotesByPair,
    seconds: Mapping[str, Sequence[float]],
    gold: Mapping[Pair, int],
    grades: Sequence[int],
    ruled: Mapping[Pair, int] = MappingProxyType({}),
) -> tuple[Flag, ...]:
    """One assessor's flags.

    Args:
        name: the assessor.
        said: everybody's votes (judgments/votes.py).
        seconds: a judgment, of each assessor.
        gold: known grades.
        grades: that can be given; what a random clicker chooses from.
        ruled: the adjudicator's grades.
    """
    own = sorted(((pair, by[name]) for pair, by in said.items() if name in by), key=lambda item: _when(item[1]))
    found = [
        _too_fast(name, seconds),
        _constant(name, own, said, {**gold, **ruled}),
        _drift_from_others(name, own, said),
        _drift_on_gold(own, gold),
        _gold_failed(own, gold, grades),
    ]
    return tuple(flag for flag in found if flag is not None)


def _when(entry: LogEntry) -> tuple[float, int]:
    """When it was judged; the place in the log decides where no time is known."""
    at = datetime.fromisoformat(entry.judged_at).timestamp() if entry.judged_at is not None else 0.0
    return at, entry.seq


def _too_fast(name: str, seconds: Mapping[str, Sequence[float]]) -> Flag | None:
    medians = {who: median(times) for who, times in seconds.items() if len(times) >= TIMES_NEEDED}
    own = medians.pop(name, None)
    if own is None:
        return None
    evidence = f"median {own:.2f} s an image over {len(seconds[name])} judgments"
    if own < LEAST_SECONDS:
        return Flag("too fast", f"{evidence}; under {LEAST_SECONDS} s nobody has looked")
    others = median(medians.values()) if medians else 0.0
    if own < LEAST_OF_OTHERS * others:
        return Flag("too fast", f"{evidence}; less than a third of the others' {others:.2f} s")
    return None


def _constant(
    name: str, own: Sequence[tuple[Pair, LogEntry]], said: VotesByPair, known: Mapping[Pair, int]
) -> Flag | None:
    """One choice again and again, where others chose otherwise on the same images.

    Where others err, it is the careful one who differs from them: whom gold and the adjudicator's rulings prove
    right is not flagged.
    """
    from scipy.stats import binomtest

    for recent in [own[-n:] for n in (*RECENT, len(own)) if RECENT[0] <= n <= len(own)]:
        choice, count = Counter(entry.choice for _, entry in recent).most_common(1)[0]
        shared = [(entry, others) for pair, entry in recent if (others := _others(name, said[pair]))]
        if count < CONSTANT_FROM * len(recent) or len(shared) < TIMES_NEEDED:
            continue
        theirs = [other.choice == choice for _, others in shared for other in others]
        same = sum(entry.choice == choice for entry, _ in shared)
        rate = (sum(theirs) + 1) / (len(theirs) + 2)  # Laplace: 0 or 1 of a few would make any answer a sensation
        chance = float(binomtest(same, len(shared), rate, alternative="greater").pvalue)
        right = [entry.grade == known[pair] for pair, entry in recent if pair in known]
        proven = len(right) >= LEAST_KNOWN and sum(right) >= GOOD * len(right)
        if chance < ALPHA and not proven:
            evidence = (
                f"{count} of the last {len(recent)} answers are {choice!r}; {same} of the {len(shared)} on images that "
                f"others judged too, where theirs are in {_percent(sum(theirs), len(theirs))} "
                f"(binomial test, {_p(chance)})"
            )
            return Flag("constant answers", evidence)
    return None


class _Half(NamedTuple):
    """Images that two assessors judged: both the same (relevant or not), only the one relevant, only the other."""

    same: int
    more: int
    less: int

    @property
    def of(self) -> int:
        return sum(self)


def _drift_from_others(name: str, own: Sequence[tuple[Pair, LogEntry]], said: VotesByPair) -> Flag | None:
    """Between the first half and the second: agreeing less or more, or erring to another side.

    Two who come to differ tell nothing of which of them changed: it must show against everybody with whom there are
    images enough.
    """
    others = sorted({other for pair, _ in own for other in said[pair]} - {name})
    middle = len(own) // 2
    pairs = {other: [_half(part, other, said) for part in (own[:middle], own[middle:])] for other in others}
    enough = {other: (a, b) for other, (a, b) in pairs.items() if min(a.of, b.of) >= TIMES_NEEDED}
    found = []
    for other, (a, b) in enough.items():
        agreeing = _fisher(a.same, a.of - a.same, b.same, b.of - b.same)
        siding = _fisher(a.more, a.less, b.more, b.less)
        if min(agreeing, siding) >= ALPHA:
            return None
        if agreeing < ALPHA:
            what = f"as {other} in {_percent(a.same, a.of)} of the first half, {_percent(b.same, b.of)} of the second"
        else:
            sides = f"{a.more} times and below {a.less} in the first half, {b.more} and {b.less} in the second"
            what = f"above {other} {sides}"
        found.append(f"{what} (Fisher's test, {_p(min(agreeing, siding))})")
    if not found:
        return None
    doubt = "; it may be the other who changed" if len(found) == 1 else ""
    return Flag("drift", f"relevant or not, on the same images: {'; '.join(found)}{doubt}")


def _half(part: Sequence[tuple[Pair, LogEntry]], other: str, said: VotesByPair) -> _Half:
    same = more = less = 0
    for pair, entry in part:
        theirs = said[pair].get(other)
        if theirs is None or theirs.grade is None or entry.grade is None:
            continue
        difference = (entry.grade > 0) - (theirs.grade > 0)
        same, more, less = same + (difference == 0), more + (difference > 0), less + (difference < 0)
    return _Half(same, more, less)


def _drift_on_gold(own: Sequence[tuple[Pair, LogEntry]], gold: Mapping[Pair, int]) -> Flag | None:
    right = [entry.grade == gold[pair] for pair, entry in own if pair in gold]
    first, second = right[: len(right) // 2], right[len(right) // 2 :]
    if not first:
        return None
    chance = _fisher(sum(first), len(first) - sum(first), sum(second), len(second) - sum(second))
    if chance >= ALPHA:
        return None
    shares = f"{_percent(sum(first), len(first))} of the first {len(first)}, {_percent(sum(second), len(second))}"
    return Flag("drift", f"gold: right in {shares} of the last {len(second)} (Fisher's test, {_p(chance)})")


def gold_failed(entries: Iterable[LogEntry], gold: Mapping[Pair, int], grades: Sequence[int]) -> Flag | None:
    """The flag of that name, if these judgments of one person raise it; `grades` as in `flags`."""
    return _gold_failed([((e.subtopic_id, e.image_id), e) for e in entries if e.pass_ == 1], gold, grades)


def _gold_failed(own: Sequence[tuple[Pair, LogEntry]], gold: Mapping[Pair, int], grades: Sequence[int]) -> Flag | None:
    """No better on gold than somebody who does not look at the images, and worse than bad luck explains.

    Whoever does not look chooses at random, or always the most frequent grade.
    """
    known = [(entry.grade, gold[pair]) for pair, entry in own if pair in gold]
    if not known or not grades:
        return None
    from scipy.stats import binom

    of, right = len(known), sum(given == grade for given, grade in known)
    blind = max(1 / len(grades), max(Counter(grade for _, grade in known).values()) / of)
    by_luck, with_care = float(binom.sf(right - 1, of, blind)), float(binom.cdf(right, of, GOOD))
    if by_luck < GOLD_ALPHA or with_care >= ALPHA:
        return None
    evidence = (
        f"gold: {right} of {of} right; without looking {_percent(blind * of, of)} are, and so many are no surprise "
        f"(binomial test, {_p(by_luck)}); with care {_percent(GOOD * of, of)} are, and so few are one ({_p(with_care)})"
    )
    return Flag("gold failed", evidence)


def _others(name: str, by: Mapping[str, LogEntry]) -> list[LogEntry]:
    return [entry for other, entry in by.items() if other != name]


def _fisher(a: int, b: int, c: int, d: int) -> float:
    from scipy.stats import fisher_exact

    return float(fisher_exact([[a, b], [c, d]])[1])


def _percent(count: float, of: float) -> str:
    return f"{100 * count / of:.0f} %"


def _p(chance: float) -> str:
    return f"p = {chance:.2g}"
