"""Small knowledge to put questions about."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fieldguide.queries.topics.questions import QuestionSubject
from fieldguide.queries.topics.section import Compose
from fieldguide.queries.wording.nouns import Noun, noun
from fieldguide.queries.wording.saying import said_of
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS

FORMS = ("which", "both", "truth", "which-not")


def subject(feature: str = "shape", part: str = "outline", **values: str) -> QuestionSubject:
    entities = tuple(sorted(values))
    predicates = {value: said_of(None, part, value) for value in values.values()}
    sources = dict.fromkeys(values, "curated")
    return QuestionSubject("+".join(entities), entities, feature, part, values, sources, predicates)


def called(*names: str) -> dict[str, list[str]]:
    return {name.casefold().replace(" ", "-"): [name] for name in names}


def nouns(called: Mapping[str, Sequence[str]]) -> dict[str, Noun]:
    return {entity: noun(names[0]) for entity, names in called.items()}


def params(**changes: Any) -> Compose:
    return Compose.model_validate({"forms": list(FORMS), "max_topics": 60, "per_group": 4, "seed": 1, **changes})


def entities(*names: str) -> pd.DataFrame:
    return ENTITIES.frame(
        [
            {
                "entity_id": name.casefold(),
                "name": name,
                "aliases": [],
                "taxonomy": ["fruit", "apple", name],
                "description": f"{name} is sweet.",
                "source": "curated",
            }
            for name in names
        ]
    )


def attributes(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    keys = ("entity_id", "feature", "part", "value")
    return ATTRIBUTES.frame([dict(zip(keys, row, strict=True), source="curated", evidence="seen") for row in rows])


def groups(*members: Sequence[str], scores: Sequence[float] | None = None) -> pd.DataFrame:
    rows = []
    for number, group in enumerate(members):
        score = scores[number] if scores else 0.9
        alike = dict.fromkeys(("score", "taxonomic", "lexical", "visual"), score)
        accepted = score >= 0.5
        rows.append(
            {"group_id": "+".join(group), "entities": list(group), **alike, "accepted": accepted, "reason": "alike"}
        )
    return GROUPS.frame(rows).astype({"accepted": bool})
