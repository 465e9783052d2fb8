"""What the numbers mean, in words: one line a question and board.

A tau of 0.9 and more is taken as the same order, below 0.8 as another one: Voorhees, SIGIR 2001.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fieldguide.core.english import counted
from fieldguide.evaluation.fitness.degenerate import REVERSED, BesideChance, Degenerate
from fieldguide.evaluation.fitness.duplicates import Duplicates
from fieldguide.evaluation.fitness.noise import Noise
from fieldguide.evaluation.fitness.pooling import PoolingLoss
from fieldguide.evaluation.fitness.reusability import LeftOut
from fieldguide.evaluation.fitness.unjudged import Unjudged

SAME_ORDER = 0.9
OTHER_ORDER = 0.8
OFTEN = 0.05
"""Share of the draws in which the best system may change before it is noted."""
COLUMNS = ("verdict", "about", "where", "text")
_SHOWN = 3
_CAPITAL = {
    "as chance": "No better than chance",
    "below chance": "Below chance",
    "above chance": "Random by intent, and above chance",
}

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class FitnessFinding:
    """One line. `about`: unjudged, reusability, pooling, noise, chance, duplicates; `where`: the board, or `corpus`."""

    verdict: Level
    about: str
    where: str
    text: str


def about_unjudged(where: str, found: Unjudged) -> FitnessFinding:
    """Whether unjudged images could turn the order."""
    least = min(found.systems, key=lambda row: (row.judged, row.system))
    share = f"Of each system's first {found.cutoff} images at least {least.judged:.0%} are judged ({least.system})"
    if least.judged == 1:
        share = f"All of each system's first {found.cutoff} images are judged"
    if not found.turns:
        return FitnessFinding("ok", "unjudged", where, f"{share}; whatever the others show, the order of systems stays")
    pairs = listed([f"{turn.better} over {turn.worse}" for turn in found.turns])
    could = "could turn" if found.exact else "might turn"
    count = counted(len(found.turns), "pair")
    return FitnessFinding("note", "unjudged", where, f"{share}; what the others show {could} {count}: {pairs}")


def about_reusability(where: str, found: Sequence[LeftOut]) -> FitnessFinding:
    """Whether a system that did not help to pool would be ranked fairly."""
    if not found:
        return FitnessFinding("note", "reusability", where, "No pooled system is ranked here, so none can be left out")
    worst = min(found, key=lambda left: (-2.0 if left.tau is None else left.tau, left.name))
    left_out = f"family {worst.name}" if worst.family else worst.name
    order = "in ties only" if worst.tau is None else f"at tau {worst.tau:.2f} or better"
    fall, name = max((moved.before - moved.after, moved.system) for left in found for moved in left.moved)
    lost, loser = max((moved.rank_after - moved.rank_before, moved.system) for left in found for moved in left.moved)
    text = (
        f"Leaving one system or family out of the pools keeps the order {order} (least: {left_out}); "
        f"what is left out falls by up to {fall:.3f} ({name}) and {counted(lost, 'rank')} ({loser})"
    )
    return FitnessFinding(_by_tau(worst.tau), "reusability", where, text)


def about_pooling(where: str, found: PoolingLoss) -> FitnessFinding:
    """What the pools would have missed, had not every image been judged."""
    share = f"{found.missed:,} of {found.relevant:,} relevant images ({found.missed / max(found.relevant, 1):.1%})"
    moved = max(found.systems, key=lambda row: (abs(row.pooled - row.score), row.system))
    order = "orders that are all ties" if found.tau is None else f"an order at tau {found.tau:.2f} with this one"
    text = (
        f"{share} are in no pool; judged by pools alone, systems would have {order}, and scores would differ by up "
        f"to {abs(moved.pooled - moved.score):.3f} ({moved.system})"
    )
    return FitnessFinding("note" if found.missed else "ok", "pooling", where, text)


def about_noise(where: str, found: Noise) -> FitnessFinding:
    """Whether other assessors would have found another best system."""
    source = "measured" if found.measured else "assumed"
    best = found.systems[0].system
    tau = "in no draw is there an order"
    if found.tau is not None:
        tau = f"the median tau is {found.tau:.2f}, 5% of the draws lie at {found.tau_low:.2f} or below"
    text = (
        f"With {found.disagreement:.1%} disagreement ({source}) {best} is no longer best in {found.top_changes:.1%} "
        f"of the draws; {tau}"
    )
    level = _by_tau(found.tau_low)
    return FitnessFinding("note" if level == "ok" and found.top_changes > OFTEN else level, "noise", where, text)


def about_chance(where: str, found: Degenerate) -> Iterator[FitnessFinding]:
    """Rankings without content that do not score as expected, and real systems that do no better than chance."""
    interval = f"{found.independent.low:.3f} to {found.independent.high:.3f}"
    odd = [row for row in found.degenerate if not row.expected]
    for row in odd:
        yield _odd(where, row, found)
    for verdict in ("as chance", "below chance", "above chance"):
        rows = [row for row in found.real if not row.expected and row.verdict == verdict]
        if rows:
            names = listed([f"{row.system} ({row.score:.3f})" for row in rows])
            yield FitnessFinding("note", "chance", where, f"{_CAPITAL[verdict]} ({interval} of random orders): {names}")
    if not odd:
        names = ", ".join(row.system for row in found.degenerate)
        text = f"Random orders score {interval}; rankings without knowledge of the content score as expected ({names})"
        yield FitnessFinding("ok", "chance", where, text)


def _odd(where: str, row: BesideChance, found: Degenerate) -> FitnessFinding:
    """A ranking that should score as chance does and does not; a problem where real systems do no better."""
    chance = found.independent if row.system.endswith(REVERSED) else found.shared
    interval = f"{chance.low:.3f} to {chance.high:.3f}"
    text = f"{row.system} should score as chance does and has {row.score:.3f}, {row.verdict} ({interval})"
    real = [other for other in found.real if other.verdict == "above chance" and other.system != row.system]
    beaten = [other.system for other in real if row.verdict == "above chance" and other.score <= row.score]
    text += f" and no worse than {listed(beaten)}" if beaten else ""
    what = f"{text}: something other than the content goes with relevance"
    return FitnessFinding("problem" if beaten else "note", "chance", where, what)


def about_duplicates(found: Duplicates) -> FitnessFinding:
    """Near duplicates with different grades."""
    count, pairs = len(found.contradictions), counted(found.pairs, "pair")
    if not count:
        text = f"Of {pairs} of near duplicates that were judged for one subtopic, none has different grades"
        return FitnessFinding("ok", "duplicates", "corpus", text)
    named = listed([f"{pair.first} and {pair.second} for {pair.subtopic_id}" for pair in found.contradictions])
    text = f"Of {pairs} of near duplicates that were judged for one subtopic, {count} have different grades: {named}"
    return FitnessFinding("problem", "duplicates", "corpus", text)


def listed(items: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _by_tau(tau: float | None) -> Level:
    if tau is None or tau < OTHER_ORDER:
        return "problem"
    return "ok" if tau >= SAME_ORDER else "note"
