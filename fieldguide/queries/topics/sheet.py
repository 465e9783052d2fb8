"""How the questions would read, from data/knowledge/ alone: before a photograph is embedded or anything is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import pandas as pd

from fieldguide.queries.knowledge.records import Knowledge
from fieldguide.queries.mining.groups import related_pairs
from fieldguide.queries.topics.composing import compose_subject, subjects
from fieldguide.queries.topics.questions import CandidateQuestion
from fieldguide.records.knowledge import ATTRIBUTES
from fieldguide.records.topics import Refusal

_MOST = 200


def sheet(knowledge: Knowledge, forms: Sequence[str], seed: int) -> tuple[list[CandidateQuestion], list[Refusal]]:
    """Questions over pairs and triples of kin, and every reason against one; over 400 groups at most.

    Args:
        knowledge: the curator's, valid.
        forms: wanted forms.
        seed: chooses among wordings, as in stage `compose`.
    """
    called = {entity.entity_id: [entity.name, *entity.aliases] for entity in knowledge.entities.values()}
    nouns = {entity_id: entity.noun for entity_id, entity in knowledge.entities.items()}
    rows = ATTRIBUTES.frame([{**row.model_dump(), "source": "curated"} for row in knowledge.attributes])
    related = _groups({entity_id: entity.taxonomy for entity_id, entity in knowledge.entities.items()})
    groups = pd.DataFrame(
        {"group_id": ["+".join(p) for p in related], "entities": related, "accepted": True, "score": 1.0}
    )
    found: list[CandidateQuestion] = []
    refused: list[Refusal] = []
    for of_group in subjects(groups, rows, knowledge.features) if related else ():
        for subject in of_group:
            for item in compose_subject(subject, forms, called, nouns, seed):
                (found if isinstance(item, CandidateQuestion) else refused).append(item)  # type: ignore[arg-type]
    return found, refused


def _groups(taxonomy: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Pairs of kin, evenly spaced where there are many, and triples of neighbours among them."""
    pairs = list(islice(related_pairs(taxonomy), 100_000))
    pairs = pairs[:: max(1, len(pairs) // _MOST)]
    partners: dict[str, list[str]] = {}
    for a, b in pairs:
        partners.setdefault(a, []).append(b)
    triples = [(a, *of[:2]) for a, of in partners.items() if len(of) > 1]
    return [*pairs, *triples[:_MOST]]


def examples(candidates: Sequence[CandidateQuestion], count: int) -> Mapping[str, list[CandidateQuestion]]:
    """Up to `count` questions of each form, features taking turns so that each is seen early."""
    chosen: dict[str, list[CandidateQuestion]] = {}
    for form in sorted({candidate.form for candidate in candidates}):
        turns: dict[str, list[CandidateQuestion]] = {}
        for candidate in candidates:
            if candidate.form == form:
                turns.setdefault(candidate.subject.feature, []).append(candidate)
        chosen[form] = list(_in_turns(turns))[:count]
    return chosen


def _in_turns(of_feature: Mapping[str, Sequence[CandidateQuestion]]) -> Iterator[CandidateQuestion]:
    longest = max((len(of) for of in of_feature.values()), default=0)
    for place in range(longest):
        for number, of in enumerate(of_feature.values()):
            if place < len(of):
                yield of[(place + number) % len(of)]
