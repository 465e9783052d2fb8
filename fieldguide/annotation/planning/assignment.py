"""Assignment: which assessors are asked about which pooled image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import pandas as pd

from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.draws import draw
from fieldguide.core.grouping import grouped


@dataclass
class Assigner:
    """Deals images to assessors, those with the fewest images first.

    Invariant: the loads of assessors who were there from the beginning differ by at most one image, at every
    moment and so within every stretch of a pool; of equally loaded ones those go together who judged together
    least, so that all pairings occur about equally often.

    Attributes:
        assessors: names, in the order of params.yaml.
        seed: of the draws between equals.
        load: images that each was asked about so far.
        together: how many images two assessors have in common.
    """

    assessors: Sequence[str]
    seed: int
    load: Counter[str] = field(default_factory=Counter)
    together: Counter[frozenset[str]] = field(default_factory=Counter)

    def know(self, asked: Mapping[Pair, Set[str]]) -> None:
        """Count what was asked before. A new assessor starts with the smallest load of the others: no catching up."""
        for holders in asked.values():
            self._count(holders)
        known = [a for a in self.assessors if self.load[a]]
        least = min((self.load[a] for a in known), default=0)
        for newcomer in set(self.assessors) - set(known):
            self.load[newcomer] = least

    def deal(self, pair: Pair, holders: Set[str], wanted: int) -> list[str]:
        """`wanted` assessors, or as many as there are, who do not hold the pair yet."""
        chosen: list[str] = []
        free = {a: draw(self.seed, "deal", *pair, a) for a in self.assessors if a not in holders}
        for _ in range(min(wanted, len(free))):
            company = [*holders, *chosen]
            name = min(free, key=lambda a: (self.load[a], self._common(a, company), free[a]))
            del free[name]
            for other in company:
                self.together[frozenset((name, other))] += 1
            self.load[name] += 1
            chosen.append(name)
        return chosen

    def _common(self, name: str, company: Iterable[str]) -> int:
        return sum(self.together[frozenset((name, other))] for other in company)

    def _count(self, holders: Collection[str]) -> None:
        names = sorted(holders)
        self.load.update(names)
        self.together.update(frozenset((a, b)) for i, a in enumerate(names) for b in names[i + 1 :])


def pool_order(pools: pd.DataFrame) -> dict[str, list[str]]:
    """Each subtopic's pooled images: best rank first, then the random sample; ties by image_id."""
    ordered = pools.sort_values(["subtopic_id", "best_rank", "image_id"])
    return grouped(zip(ordered["subtopic_id"], ordered["image_id"], strict=True))
