"""Pairs of entities in one question: are they what the question says, and do they belong together?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from fieldguide.checks.audit.finding import Observation, Place, counted
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, normalised
from fieldguide.checks.audit.taxonomy import RANKS, Taxon
from fieldguide.formats.collection import PublishedQuestion

_USUAL = 0.9
"""Share of pairs at or nearer than a rank from which on that rank is what the benchmark's pairs share."""


@check(
    "pairs.distant",
    proves="The two entities are related much farther than those of nearly all other questions.",
    cannot="Whether they look alike; relatedness is the folders', and may follow an older taxonomy.",
    advice="See whether the pair is meant; far pairs make easy questions.",
)
def distant(subject: AuditSubject) -> Iterator[Observation]:
    """Pairs that share two ranks fewer, or less, than nine in ten do: the order where others share the genus."""
    pairs = list(_taxa(subject))
    if len(pairs) < 10:
        return
    shared = [one.shared_ranks(other) for _, one, other in pairs]
    usual = max(n for n in range(len(RANKS) + 1) if sum(s >= n for s in shared) >= _USUAL * len(shared))
    far = [(pair, s) for pair, s in zip(pairs, shared, strict=True) if s <= usual - 2]
    if far:
        rows = tuple(Place(q.where, f"{one.name} and {other.name} share {_rank(s)}") for (q, one, other), s in far)
        evidence = f"{sum(s >= usual for s in shared)} of {len(pairs)} pairs share the {RANKS[usual - 1]}."
        yield Observation(
            "note", "certain", f"{counted(len(far), 'pair')} farther apart than the others", evidence, rows
        )


@check(
    "pairs.like-names",
    proves="The two names share a word while the entities are not of one genus: the pair is alike in name.",
    cannot="Whether the pair was found by its name, or looks alike all the same.",
    advice="See whether the pair was mined by its text; replace it by entities that look alike.",
)
def like_names(subject: AuditSubject) -> Iterator[Observation]:
    """Pairs of different genera with the same species epithet."""
    rows = tuple(
        Place(question.where, f"{one.name} and {other.name} share {_rank(one.shared_ranks(other))}")
        for question, one, other in _taxa(subject)
        if one.path[5] != other.path[5] and one.path[6] == other.path[6]
    )
    if rows:
        evidence = f"{counted(len(rows), 'pair')} with one epithet in two genera."
        yield Observation("note", "likely", "Entities paired by their names", evidence, rows)


@check(
    "pairs.same-entity",
    proves="A question compares an entity with itself.",
    cannot="Synonyms of one entity under two names.",
    advice="Replace one of the entities.",
)
def same_entity(subject: AuditSubject) -> Iterator[Observation]:
    """Questions whose pools show, or are named after, one entity."""
    rows = []
    for question in subject.compared:
        names = [normalised(name) for pool in question.pools if (name := subject.name(pool))]
        rows += [Place(question.where, f"twice {name}") for name in sorted({n for n in names if names.count(n) > 1})]
    if rows:
        yield Observation("error", "certain", "Two pools of a question show one entity", f"{len(rows)} questions.",
                          tuple(rows))  # fmt: skip


@check(
    "pairs.repeated",
    proves="Several questions compare the same entities: they share images and are not independent observations.",
    cannot="Whether they ask for the same feature.",
    advice="Draw them together when intervals and p-values are computed (clusters).",
)
def repeated(subject: AuditSubject) -> Iterator[Observation]:
    """The same set of entities in more than one question."""
    groups: dict[tuple[str, ...], list[PublishedQuestion]] = defaultdict(list)
    for question in subject.compared:
        names = {name for pool in question.pools if (name := subject.name(pool))}
        if len(names) == len(question.pools):
            groups[tuple(sorted(names))].append(question)
    rows = tuple(
        Place(q.where, " and ".join(names)) for names, found in groups.items() if len(found) > 1 for q in found
    )
    if rows:
        evidence = f"{counted(len(rows), 'question')} share their entities with another."
        yield Observation("note", "certain", "Questions compare the same entities", evidence, rows)


@check(
    "pairs.not-named",
    proves="The question does not name an entity that its pool shows, while most questions do.",
    cannot="Common names: they are looked for only where the collection gives them.",
    advice="Name in the question what is to be retrieved, as the pool has it.",
)
def not_named(subject: AuditSubject) -> Iterator[Observation]:
    """Entities whose name is not in the question's text."""
    missing, total = [], 0
    for question in subject.compared:
        text = normalised(question.text)
        for pool in question.pools:
            names = {normalised(n) for n in (pool.entity, subject.name(pool)) if n}
            if names:
                total += 1
                if not any(re.search(rf"\b{re.escape(name)}", text) for name in names):
                    missing.append(Place(pool.where, f"{subject.name(pool)} is not named in: {question.text}"))
    if missing and len(missing) * 4 <= total:
        evidence = f"{total - len(missing)} of {total} entities are named in their question, {len(missing)} are not."
        yield Observation("error", "likely", "Questions do not name what their pools show", evidence, tuple(missing))


def _taxa(subject: AuditSubject) -> Iterator[tuple[PublishedQuestion, Taxon, Taxon]]:
    """Every pair of taxa of a question."""
    for question in subject.compared:
        taxa = [taxon for pool in question.pools if (taxon := subject.taxon(pool))]
        for one, other in combinations(taxa, 2):
            yield question, one, other


def _rank(shared: int) -> str:
    return f"the {RANKS[shared - 1]} only" if shared else "not even the kingdom"
