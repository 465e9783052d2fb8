"""The curator's files in data/knowledge/: entities.jsonl, attributes.csv, features.yaml. Every mistake told at once."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fieldguide.core.english import stems
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import csv_text, read_jsonl
from fieldguide.core.yaml_files import read_yaml

Text = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^\S([^\x00-\x1f]*\S)?$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)]

ENTITIES_FILE, ATTRIBUTES_FILE, FEATURES_FILE = "entities.jsonl", "attributes.csv", "features.yaml"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


R = TypeVar("R", bound=_Record)


class Entity(_Record):
    """A line of entities.jsonl.

    `taxonomy` leads from the root to the entity; `wordnet` is the lemma to look up in WordNet.
    """

    entity_id: Slug
    name: Text
    aliases: list[Text] = []
    taxonomy: Annotated[list[Text], Field(min_length=2)]
    description: Text | None = None
    wordnet: Text | None = None
    source: Text = "curated"


class Attribute(_Record):
    """A row of attributes.csv. `value` is put before `part` in questions: `green`, `skin`."""

    entity_id: Slug
    feature: Text
    part: Text
    value: Text
    evidence: Text


class Feature(_Record):
    """An entry of features.yaml: which words of a gloss are a value of this feature.

    `said_of`: nouns whose adjectives speak of it; `of_whole`: adjectives of the thing itself do too.
    """

    part: Text
    said_of: list[Text] = []
    of_whole: bool = False
    values: Annotated[list[Text], Field(min_length=1)]


@dataclass(frozen=True)
class Knowledge:
    """What the curator wrote; entities by id, attributes in the order of the file, features by name."""

    entities: dict[str, Entity]
    attributes: list[Attribute]
    features: dict[str, Feature]


def read_knowledge(folder: Path) -> Knowledge:
    """Read and check the three files; features.yaml may be absent.

    Raises:
        FieldguideError: entities.jsonl or attributes.csv is missing, or a file is no JSONL, CSV or YAML at all.
        ProblemsError: everything else that is wrong in any of them, each with file and line.
    """
    problems: list[Problem] = []
    entities: dict[str, Entity] = {}
    for where, entity in _valid(_jsonl_rows(folder / ENTITIES_FILE), Entity, problems):
        if entity.entity_id in entities:
            problems.append(Problem(where, f"entity_id {entity.entity_id!r} occurs twice"))
        entities[entity.entity_id] = entity
    problems += _name_problems(folder / ENTITIES_FILE, entities)
    rows = list(_valid(_csv_rows(folder / ATTRIBUTES_FILE), Attribute, problems))
    problems += _attribute_problems(rows, entities)
    features = _read_features(folder / FEATURES_FILE, problems)
    parts = {row.feature: row.part for _, row in rows}
    for name, feature in features.items():
        if parts.get(name, feature.part) != feature.part:
            what = f"shows on part {feature.part!r} here and on {parts[name]!r} in {ATTRIBUTES_FILE}"
            problems.append(Problem(f"{folder / FEATURES_FILE}: {name}", what))
    if not entities and not problems:
        problems.append(Problem(str(folder / ENTITIES_FILE), "holds no entity; one JSON object a line is expected"))
    if problems:
        raise ProblemsError(f"{folder}: the knowledge files are not valid:", problems)
    return Knowledge(entities, [attribute for _, attribute in rows], features)


def _name_problems(path: Path, entities: dict[str, Entity]) -> Iterator[Problem]:
    """Names that do not tell entities apart: questions name nothing else. Case and blanks do not matter."""
    named: dict[str, dict[str, list[str]]] = {}
    for entity in entities.values():
        for name in (entity.name, *entity.aliases):
            named.setdefault(" ".join(name.casefold().split()), {}).setdefault(entity.entity_id, []).append(name)
    for by in named.values():
        for entity_id, names in by.items():
            if len(names) > 1:
                what = f"{' and '.join(map(repr, names))} are one name; an alias is another one than the name"
                yield Problem(f"{path}: {entity_id}", what)
        if len(by) > 1:
            kinds = [f"{entity_id} ({' > '.join(entities[entity_id].taxonomy[:3])})" for entity_id in by]
            what = f"{next(iter(by.values()))[0]!r} names {' and '.join(kinds)}: give each a name that tells them apart"
            yield Problem(str(path), what)


def _attribute_problems(rows: list[tuple[str, Attribute]], entities: dict[str, Entity]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    parts: dict[str, tuple[str, str]] = {}
    for where, row in rows:
        if row.entity_id not in entities:
            yield Problem(where, f"entity_id {row.entity_id!r} is not in {ENTITIES_FILE}")
        first = seen.setdefault((row.entity_id, row.feature), where)
        if first != where:
            yield Problem(where, f"{row.entity_id} has a `{row.feature}` already, at {first}; one value each")
        part, place = parts.setdefault(row.feature, (row.part, where))
        if part != row.part:
            yield Problem(where, f"`{row.feature}` shows on part {row.part!r} here and on {part!r} at {place}")
        if set(stems(row.value)) & set(stems(row.part)):
            yield Problem(
                where,
                f"value {row.value!r} repeats part {row.part!r}; questions put the one before the other, "
                "so write an adjective such as `round`",
            )


def _read_features(path: Path, problems: list[Problem]) -> dict[str, Feature]:
    if not path.exists():
        return {}
    values = read_yaml(path)
    try:
        return TypeAdapter(dict[Text, Feature]).validate_python(values)
    except ValidationError as error:
        problems += _problems(str(path), error)
        return {}


def _jsonl_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in read_jsonl(path):
        yield f"{path}:{number}", row


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    wanted = list(Attribute.model_fields)
    reader = csv.DictReader(csv_text(path), strict=True, restkey="more than the header's columns")
    try:
        if reader.fieldnames is None or sorted(reader.fieldnames) != sorted(wanted):
            found = ", ".join(reader.fieldnames or []) or "nothing"
            raise FieldguideError(f"{path}:1: the header must be {','.join(wanted)}; found {found}")
        for row in reader:
            yield f"{path}:{reader.line_num}", row
    except csv.Error as error:
        raise FieldguideError(f"{path}: not a CSV table after line {reader.line_num} ({error})") from None


def _valid(
    rows: Iterator[tuple[str, dict[str, Any]]], record: type[R], problems: list[Problem]
) -> Iterator[tuple[str, R]]:
    for where, row in rows:
        try:
            yield where, record.model_validate(row)
        except ValidationError as error:
            problems.extend(_problems(where, error))


def _problems(where: str, error: ValidationError) -> Iterator[Problem]:
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        found = "" if item["type"] == "missing" else f" (found {item['input']!r})"
        yield Problem(where, f"`{key}`: {item['msg']}{found}")
