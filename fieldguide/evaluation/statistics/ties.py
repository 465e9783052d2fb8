"""Which systems of a leaderboard cannot be told apart: the compact letter display.

Systems that share a letter are not significantly different; systems that share none are. Every set of systems
without a significant pair among them, and as large as it can be, has a letter.

Piepho, An algorithm for a letter-based representation of all-pairwise comparisons, Journal of Computational and
Graphical Statistics 13(2), 2004 (insert and absorb).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from string import ascii_letters


def letters(systems: Sequence[str], different: Collection[frozenset[str]]) -> dict[str, str]:
    """Letters of each system, such as `a` or `bc`.

    Args:
        systems: best first; the best one has an `a`.
        different: pairs of systems that are significantly different.
    """
    groups = [frozenset(systems)] if systems else []
    for first, second in sorted(tuple(sorted(pair)) for pair in different):
        split = [group - {one} for group in groups if {first, second} <= group for one in (first, second)]
        kept = [group for group in groups if not {first, second} <= group]
        groups = _absorbed([*kept, *split])
    place = {system: number for number, system in enumerate(systems)}
    groups.sort(key=lambda group: sorted(place[system] for system in group))
    return {s: "".join(_letter(n) for n, group in enumerate(groups) if s in group) for s in systems}


def _absorbed(groups: list[frozenset[str]]) -> list[frozenset[str]]:
    """Without those that another one holds, and each once."""
    unique = list(dict.fromkeys(groups))
    return [group for group in unique if not any(group < other for other in unique)]


def _letter(number: int) -> str:
    """One character each, however many: a to z, A to Z, then letters with accents (U+0100 and on)."""
    return ascii_letters[number] if number < len(ascii_letters) else chr(0x100 + number - len(ascii_letters))
