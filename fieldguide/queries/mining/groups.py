"""Groups of related entities: scored pairs, and what can be put together from accepted pairs. Pure computation."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from fieldguide.core.english import listed
from fieldguide.queries.mining.section import Mine, MineWeights
from fieldguide.queries.mining.similarity import DECIMALS, common_path, taxonomic

# Of two entities, by entity_id: 0..1.
Similarity = Callable[[str, str], float]


@dataclass(frozen=True)
class Group:
    """Two or more entities with their similarities; a row of records.GROUPS."""

    entities: tuple[str, ...]
    score: float
    taxonomic: float
    lexical: float
    visual: float
    accepted: bool
    reason: str

    def row(self) -> dict[str, Any]:
        """As records.GROUPS has it."""
        return {"group_id": "+".join(self.entities), **vars(self), "entities": list(self.entities)}


@dataclass(frozen=True)
class Judge:
    """Scores and accepts groups.

    `names` and `taxonomy` are by entity_id; `photographed` has those with photographs in the gallery.
    A group's lexical and visual similarity is the mean over its pairs; its taxonomic one is the least of any
    pair, that of the ancestor common to all.
    """

    params: Mine
    names: Mapping[str, str]
    taxonomy: Mapping[str, Sequence[str]]
    photographed: frozenset[str]

    def group(self, entities: Sequence[str], lexical: float, visual: float) -> Group:
        """Judge one group, entities sorted."""
        paths = [self.taxonomy[entity] for entity in entities]
        kinship = taxonomic(paths)
        score = _score(self.params.weights, kinship, lexical, visual)
        why = f"share {common_path(paths)[-1]}; class means {visual:.2f} alike; descriptions {lexical:.2f} alike"
        missing = [self.names[entity] for entity in entities if entity not in self.photographed]
        if missing:
            why = f"no photographs of {listed(missing, 'and')} in the gallery; {why}"
        elif score < self.params.min_score:
            why = f"score {score:.2f} below {self.params.min_score:.2f}; {why}"
        accepted = not missing and score >= self.params.min_score
        return Group(tuple(entities), score, kinship, lexical, visual, accepted, why)


def related_pairs(taxonomy: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Pairs that share more than the root of their taxonomy, sorted; no other pair is ever looked at."""
    families: dict[tuple[str, ...], list[str]] = {}
    for entity, path in sorted(taxonomy.items()):
        if len(path) > 2:
            families.setdefault(tuple(path[:2]), []).append(entity)
    # Each family's pairs are sorted; merged lazily, for who looks at the first alone.
    yield from heapq.merge(*(combinations(members, 2) for members in families.values()))


def find_groups(judge: Judge, pairs: Iterable[tuple[str, str]], lexical: Similarity, visual: Similarity) -> list[Group]:
    """All pairs, and every larger group up to `max_entities` whose pairs were all accepted; smaller ones first.

    A group of n is an accepted group of n - 1 and one more entity, as frequent item sets are found (Apriori),
    so that the work follows the number of accepted groups and not that of all subsets.
    """
    found = [judge.group((a, b), lexical(a, b), visual(a, b)) for a, b in pairs]
    level = [group for group in found if group.accepted]
    pair_of = {group.entities: group for group in level}
    partners: dict[str, list[str]] = {}
    for a, b in pair_of:
        partners.setdefault(a, []).append(b)
    for _ in range(3, judge.params.max_entities + 1):
        extended = []
        for group in level:
            *_, last = group.entities
            for other in partners.get(last, []):
                if all((entity, other) in pair_of for entity in group.entities):
                    extended.append(_joined(judge, (*group.entities, other), pair_of))
        found += extended
        level = [group for group in extended if group.accepted]
    return found


def _joined(judge: Judge, entities: tuple[str, ...], pair_of: Mapping[tuple[str, ...], Group]) -> Group:
    pairs = [pair_of[pair] for pair in combinations(entities, 2)]
    return judge.group(
        entities,
        round(fmean(pair.lexical for pair in pairs), DECIMALS),
        round(fmean(pair.visual for pair in pairs), DECIMALS),
    )


def _score(weights: MineWeights, kinship: float, lexical: float, visual: float) -> float:
    total = weights.taxonomic + weights.lexical + weights.visual
    weighed = weights.taxonomic * kinship + weights.lexical * lexical + weights.visual * visual
    return round(weighed / total, DECIMALS)
