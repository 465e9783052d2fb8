"""What a benchmark concludes, and where two builds conclude otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from fieldguide.core.grouping import grouped

VERDICTS_MAY_CHANGE = 0.02
"""Share of a board's pairs of systems that may be told apart in one build alone: those whose p lies beside alpha."""


@dataclass(frozen=True)
class BoardStanding:
    """A system on a leaderboard by the headline measure; systems that share a letter of `group` are not told apart."""

    track: str
    kind: str
    system: str
    mean: float
    group: str | None


@dataclass(frozen=True)
class Conclusions:
    """Of one build: `findings` counts fitness findings by question, board and verdict."""

    measure: str
    standings: tuple[BoardStanding, ...]
    findings: Mapping[str, int]

    @property
    def boards(self) -> dict[str, dict[str, BoardStanding]]:
        """Standings by system, by board."""
        rows = grouped((f"{row.track}, {row.kind}", row) for row in self.standings)
        return {board: {row.system: row for row in found} for board, found in rows.items()}


@dataclass(frozen=True)
class Conclusion:
    """One thing that is concluded: whether it holds here as it was published, and how."""

    about: str
    where: str
    holds: bool
    text: str


def read_conclusions(rows: Sequence[Mapping[str, Any]], fitness: Mapping[str, Any], measure: str) -> Conclusions:
    """From leaderboard.json and fitness.json."""
    names = ("track", "kind", "system", "mean", "group")
    standings = (BoardStanding(**{name: row[name] for name in names}) for row in rows if row["measure"] == measure)
    found = Counter(f"{one['about']}, {one['where']}: {one['verdict']}" for one in fitness.get("findings", ()))
    return Conclusions(measure, tuple(standings), dict(sorted(found.items())))


def compare_conclusions(published: Conclusions, here: Conclusions) -> list[Conclusion]:
    """Best system, reversals and tie groups of every board, and fitness findings."""
    if published.measure != here.measure:
        return [Conclusion("measure", "all boards", False, f"{published.measure} -> {here.measure}")]
    if not published.boards:
        return [Conclusion("leaderboards", "all boards", False, "none was published")]
    found = [line for name in published.boards for line in _board(name, published.boards[name], here.boards.get(name))]
    return [*found, _findings(published.findings, here.findings)]


def _board(
    name: str, old: Mapping[str, BoardStanding], new: Mapping[str, BoardStanding] | None
) -> Iterator[Conclusion]:
    if not new or old.keys() != new.keys():
        gone, come = sorted({*old} - {*(new or ())}), sorted({*(new or ())} - {*old})
        yield Conclusion(
            "systems", name, False, f"not here: {', '.join(gone) or 'none'}; new: {', '.join(come) or 'none'}"
        )
        if not new:
            return
    yield _best(name, old, new)
    pairs = list(combinations(sorted(old.keys() & new.keys()), 2))
    verdicts = [(pair, _verdict(old, *pair), _verdict(new, *pair)) for pair in pairs]
    turned = [pair for pair, was, now in verdicts if was * now < 0]
    text = "; ".join(f"{a} and {b}" for a, b in turned[:5]) or f"none of {len(pairs)} pairs"
    yield Conclusion("reversed", name, not turned, text)
    changed = [pair for pair, was, now in verdicts if was != now]
    text = f"{len(changed)} of {len(pairs)} pairs told apart in one alone"
    text += (": " + "; ".join(f"{a} and {b}" for a, b in changed[:5])) if changed else ""
    yield Conclusion("tie groups", name, len(changed) <= VERDICTS_MAY_CHANGE * len(pairs), text)


def _best(name: str, old: Mapping[str, BoardStanding], new: Mapping[str, BoardStanding]) -> Conclusion:
    """The same system is best, or the two that are best are told apart in neither build."""
    was, now = (max(sorted(rows), key=lambda system: rows[system].mean) for rows in (old, new))
    tied = was in new and now in old and not _verdict(old, was, now) and not _verdict(new, was, now)
    text = was if was == now else f"{was} -> {now}, {'which tie in both' if tied else 'which do not tie'}"
    return Conclusion("best system", name, was == now or tied, text)


def _verdict(rows: Mapping[str, BoardStanding], one: str, other: str) -> int:
    """1 if `one` is significantly better, -1 if it is worse, 0 if they share a letter, or nobody compared all pairs."""
    a, b = rows[one], rows[other]
    if a.group is None or b.group is None or set(a.group) & set(b.group):
        return 0
    return 1 if a.mean > b.mean else -1


def _findings(old: Mapping[str, int], new: Mapping[str, int]) -> Conclusion:
    differ = [key for key in sorted({*old, *new}) if old.get(key, 0) != new.get(key, 0)]
    text = "; ".join(f"{key} ({old.get(key, 0)} -> {new.get(key, 0)})" for key in differ[:5])
    return Conclusion("fitness", "all boards", not differ, text or f"{sum(old.values())} findings, the same verdicts")
