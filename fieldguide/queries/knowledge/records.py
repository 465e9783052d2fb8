"""Records of the curator's files: an entity, an attribute, a feature."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from fieldguide.queries.wording.nouns import Noun, noun

TEXT_PATTERN, SLUG_PATTERN = r"^\S([^\x00-\x1f]*\S)?$", r"^[a-z0-9][a-z0-9-]*$"
Text = Annotated[str, Field(min_length=1, max_length=500, pattern=TEXT_PATTERN)]
Slug = Annotated[str, Field(pattern=SLUG_PATTERN, max_length=80)]
# 1.000 m may be a metre or a kilometre: who writes a point before three digits says which.
_MEASURE = re.compile(r"((?:\d+|\d+\.\d{1,2}|\d+\.\d{4,}))(?:\s*([^\W\d_%°'\"][^\d,]*|[%°'\"]))?", re.ASCII)


class KnowledgeRecord(BaseModel):
    """What the records of data/knowledge/ have in common: no key that is not theirs, no conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Entity(KnowledgeRecord):
    """A line of entities.jsonl, or a row of entities.csv.

    `taxonomy` leads from the root to the entity; `wordnet` is the lemma to look up in WordNet. `said` is the name as
    a sentence holds it, where `a` or `an` before it would be wrong (`the Golden Gate Bridge`, `Marie Curie`);
    `plural` says whether it takes verbs in the plural, where that is not seen of the name.
    """

    entity_id: Slug
    name: Text
    aliases: list[Text] = []
    taxonomy: Annotated[list[Text], Field(min_length=2)]
    description: Text | None = None
    wordnet: Text | None = None
    source: Text = "curated"
    said: Text | None = None
    plural: bool | None = None

    @property
    def noun(self) -> Noun:
        """The entity as a sentence names it."""
        return noun(self.name, self.said, self.plural)


class Attribute(KnowledgeRecord):
    """A row of attributes.csv; questions put `value` before `part` (`green`, `skin`) or as its feature is said."""

    entity_id: Slug
    feature: Text
    part: Text
    value: Text
    evidence: Text


class Comparison(KnowledgeRecord):
    """The words for the greater and the lesser of two measured values: `longer`, `shorter`.

    Two values are compared if the greater exceeds the lesser by the share `margin` of it.
    """

    more: Text
    less: Text
    margin: Annotated[float, Field(ge=0, strict=False)] = 0.1


class Feature(KnowledgeRecord):
    """An entry of features.yaml: how a feature is said, and which words of a gloss are a value of it.

    `said`: a predicate with {value} or {a_value} (with its article), and {part} (after {value} in the number that a
    count asks for); or one predicate for each value; without it `has`, the value and the part. `compare`: values are
    measures, and two entities are compared by them. `said_of`: nouns of a gloss whose adjectives speak of the feature;
    `of_whole`: adjectives of the thing itself do too; `values`: the words that are values.
    """

    part: Text | None = None
    said: Text | dict[Text, Text] | None = None
    compare: Comparison | None = None
    said_of: list[Text] = []
    of_whole: bool = False
    values: list[Text] = []


@dataclass(frozen=True)
class Knowledge:
    """What the curator wrote; entities by id, attributes in the order of the file, features by name.

    `file`: the name of the file that holds the entities.
    """

    entities: dict[str, Entity]
    attributes: list[Attribute]
    features: dict[str, Feature]
    file: str = "entities.jsonl"


def measure(value: str) -> tuple[float, str] | None:
    """The number and the unit of a measured value, `48 cm`; None if it is none."""
    found = _MEASURE.fullmatch(value)
    return (float(found[1]), (found[2] or "").strip()) if found else None
