"""What the numbers mean, in words: one line a question and board.

A tau of 0.9 and more is taken as the same order, below 0.8 as another one: Voorhees, SIGIR 2001.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from fieldguide.evaluation.fitness.degenerate import Degenerate
from fieldguide.evaluation.fitness.duplicates import Duplicates
from fieldguide.evaluation.fitness.noise import Noise
from fieldguide.evaluation.fitness.reusability import LeftOut
from fieldguide.evaluation.fitness.unjudged import Unjudged

SAME_ORDER = 0.9
OTHER_ORDER = 0.8
COLUMNS = ("verdict", "about", "where", "text")
_SHOWN = 3

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line. `about`: unjudged, reusability, noise, chance or duplicates; `where`: the board, or `corpus`."""

    verdict: Level
    about: str
    where: str
    text: str


def about_unjudged(where: str, found: Unjudged) -> Finding:
    """Whether unjudged images could turn the order."""
    least = min(found.systems, key=lambda row: (row.judged, row.system))
    share = (
        f"at least {least.judged:.0%} of each system's first {found.cutoff} images are judged ({least.system} least)"
    )
    if not found.turns:
        return Finding("ok", "unjudged", where, f"{share}; no labels of the others could turn the order of two systems")
    pairs = listed([f"{turn.better} over {turn.worse}" for turn in found.turns])
    could = "could turn" if found.exact else "might turn"
    return Finding("note", "unjudged", where, f"{share}; the others {could} {len(found.turns)} pairs: {pairs}")


def about_reusability(where: str, found: Sequence[LeftOut]) -> Finding:
    """Whether a system that did not help to pool would be ranked fairly."""
    if not found:
        text = "no pooled system is ranked here, so nothing can be left out"
        return Finding("note", "reusability", where, text)
    worst = min(found, key=lambda left: (-2.0 if left.tau is None else left.tau, left.name))
    left_out = f"family {worst.name}" if worst.family else worst.name
    drop, name = max((m.before - m.after, m.system) for left in found for m in left.moved)
    lost_rank = max((moved.rank_after - moved.rank_before, moved.system) for left in found for moved in left.moved)
    tau = "all ties" if worst.tau is None else f"tau {worst.tau:.2f}"
    text = (
        f"leaving out one system or family keeps the order at {tau} or better (least: {left_out}); "
        f"the greatest fall of what is left out is {drop:.3f} ({name}), {lost_rank[0]} ranks ({lost_rank[1]})"
    )
    return Finding(_by_tau(worst.tau), "reusability", where, text)


def about_noise(where: str, found: Noise) -> Finding:
    """Whether other assessors would have found another best system."""
    source = "measured" if found.measured else "assumed"
    best = found.systems[0].system
    tau = "all ties" if found.tau is None else f"median tau {found.tau:.2f}, 5 % of draws below {found.tau_low:.2f}"
    text = (
        f"with {found.disagreement:.1%} disagreement ({source}) the best system changes in {found.top_changes:.1%} "
        f"of the draws (published: {best}); {tau}"
    )
    level = _by_tau(found.tau_low)
    return Finding("note" if level == "ok" and found.top_changes > 0.05 else level, "noise", where, text)


def about_chance(where: str, found: Degenerate) -> Iterator[Finding]:
    """Systems that know nothing and yet order the images, and real systems that do no better than chance."""
    interval = f"{found.independent.low:.3f} to {found.independent.high:.3f}"
    leaks = [row for row in found.degenerate if not row.expected]
    able = [row for row in found.real if row.verdict == "above chance"]
    for row in leaks:
        chance = found.independent if row.system.endswith(" reversed") else found.shared
        text = f"{row.system} has {row.score:.3f}, {row.verdict} ({chance.low:.3f} to {chance.high:.3f})"
        beaten = [other.system for other in able if other.score <= row.score and row.verdict == "above chance"]
        if beaten:
            text += f" and no worse than {listed(beaten)}"
        what = f"{text}: something beside the content goes with relevance"
        yield Finding("problem" if beaten else "note", "chance", where, what)
    for row in found.real:
        if not row.expected:
            text = f"{row.system} has {row.score:.3f}, {row.verdict} ({interval} of random orders)"
            yield Finding("note", "chance", where, text)
    if not leaks:
        names = ", ".join(row.system for row in found.degenerate)
        text = f"random orders score {interval}; what knows nothing does not order the images ({names})"
        yield Finding("ok", "chance", where, text)


def about_duplicates(found: Duplicates) -> Finding:
    """Near duplicates with different grades."""
    count = len(found.contradictions)
    if not count:
        text = f"no near duplicates with different grades ({found.pairs} judged for the same subtopic)"
        return Finding("ok", "duplicates", "corpus", text)
    pairs = listed([f"{pair.first} and {pair.second} for {pair.subtopic_id}" for pair in found.contradictions])
    text = f"{count} of {found.pairs} near duplicates of one subtopic have different grades: {pairs}"
    return Finding("problem", "duplicates", "corpus", text)


def listed(items: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _by_tau(tau: float | None) -> Level:
    if tau is None or tau < OTHER_ORDER:
        return "problem"
    return "ok" if tau >= SAME_ORDER else "note"
