"""Several sources on one entity: what they agree on is kept with both names, where they differ the curator is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fieldguide.core.english import stems
from fieldguide.queries.knowledge.records import Attribute, Entity, Knowledge
from fieldguide.queries.mining.wordnet import SOURCE, Stated, Synset, by_lemma, sense_of, stated_values
from fieldguide.records.topics import Refusal

CURATED = "curated"
BOTH = f"{CURATED}+{SOURCE}"


@dataclass(frozen=True)
class Merged:
    """Rows of records.ENTITIES and records.ATTRIBUTES, both sorted by key, and what was not taken over."""

    entities: list[dict[str, Any]]
    attributes: list[dict[str, Any]]
    refused: list[Refusal]


def merge(knowledge: Knowledge, synsets: Iterable[Synset]) -> Merged:
    """Join the curated knowledge with what WordNet states.

    A value of WordNet is taken over where the curator says nothing of that feature; it is named as a
    second source where it agrees; where it says the same less or more finely (`yellow`, `yellow-green`)
    the curated value stays alone. Where it contradicts, it is refused, and the gloss does not
    join the description either: it speaks of another variety.
    """
    lemmas = by_lemma(synsets)
    curated: dict[str, dict[str, Attribute]] = {entity_id: {} for entity_id in knowledge.entities}
    for attribute in knowledge.attributes:
        curated[attribute.entity_id][attribute.feature] = attribute
    entities, attributes, refused = [], [], []
    for entity_id, entity in sorted(knowledge.entities.items()):
        sense = sense_of(entity, lemmas)
        if isinstance(sense, Refusal):
            refused.append(sense)
        synset = sense if isinstance(sense, Synset) else None
        rows, contradictions, unclear = _attributes(entity_id, curated[entity_id], synset, knowledge)
        refused += [*contradictions, *unclear]
        entities.append(_entity(entity, None if contradictions else synset))
        attributes += sorted(rows, key=lambda row: str(row["feature"]))
    return Merged(entities, attributes, refused)


def _attributes(
    entity_id: str, curated: dict[str, Attribute], synset: Synset | None, knowledge: Knowledge
) -> tuple[list[dict[str, Any]], list[Refusal], list[Refusal]]:
    """Rows, contradictions, and what the gloss leaves open, of one entity."""
    rows = {name: {**row.model_dump(), "source": CURATED} for name, row in curated.items()}
    contradictions, unclear = [], []
    for item in stated_values(synset, knowledge.features) if synset else ():
        if isinstance(item, Refusal):
            unclear.append(Refusal(f"{entity_id} {item.what}", item.reason, item.detail))
            continue
        own = curated.get(item.feature)
        if own is None:
            rows[item.feature] = _row(entity_id, item)
        elif set(stems(own.value)) == set(stems(item.value)):
            rows[item.feature] |= {"source": BOTH, "evidence": f"{own.evidence}; {item.evidence}"}
        elif set(stems(own.value)).isdisjoint(stems(item.value)):
            what = f"{entity_id} {item.feature} = {item.value} ({SOURCE})"
            detail = f"the curated value is {own.value!r} ({own.evidence}); {item.evidence}"
            contradictions.append(Refusal(what, "contradicts-curated", detail))
    return list(rows.values()), contradictions, unclear


def _row(entity_id: str, stated: Stated) -> dict[str, Any]:
    return {
        "entity_id": entity_id, "feature": stated.feature, "part": stated.part, "value": stated.value,
        "source": SOURCE, "evidence": stated.evidence,
    }  # fmt: skip


def _entity(entity: Entity, synset: Synset | None) -> dict[str, Any]:
    row = entity.model_dump(exclude={"wordnet", "said", "plural"})
    if synset is None:
        return row
    gloss = synset.gloss[:1].upper() + synset.gloss[1:].rstrip(".") + "."
    if entity.description is None:
        return row | {"description": gloss, "source": SOURCE}
    return row | {"description": f"{entity.description} {gloss}", "source": f"{entity.source}+{SOURCE}"}
