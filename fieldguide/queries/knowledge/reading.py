"""The curator's files in data/knowledge/: entities, attributes.csv, features.yaml. Every mistake told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_jsonl
from fieldguide.core.yaml_files import read_yaml
from fieldguide.queries.knowledge.features import feature_problems
from fieldguide.queries.knowledge.records import (
    SLUG_PATTERN,
    TEXT_PATTERN,
    Attribute,
    Entity,
    Feature,
    Knowledge,
    KnowledgeRecord,
)
from fieldguide.queries.knowledge.tables import SUFFIXES, table_rows

ENTITIES_FILE, ATTRIBUTES_FILE, FEATURES_FILE = "entities.jsonl", "attributes.csv", "features.yaml"
_LISTS = {"aliases": "[|;]", "taxonomy": "[>|;]"}  # cells of entities.csv that hold several names
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}

_SHOWN = 80
_IN_WORDS = {
    TEXT_PATTERN: "may hold no line break or other control character, and no blank at either end",
    SLUG_PATTERN: "may hold a-z, 0-9 and hyphens, and begins with a letter or digit",
}

R = TypeVar("R", bound=KnowledgeRecord)


def read_knowledge(folder: Path) -> Knowledge:
    """Read and check entities (.jsonl, .csv or .xlsx), attributes (.csv or .xlsx) and features.yaml, if it is there.

    Raises:
        FieldguideError: entities or attributes are missing or there twice, or a file is not of its kind at all.
        ProblemsError: everything else that is wrong in any of them, each with file and line.
    """
    found = survey(folder)
    if found.problems:
        raise ProblemsError(f"{folder}: the knowledge files are not valid:", found.problems)
    return found.knowledge


@dataclass(frozen=True)
class Survey:
    """What can be read of the files, everything that is wrong with them, and whether all entities can be read."""

    knowledge: Knowledge
    problems: list[Problem]
    entities_whole: bool


def survey(folder: Path) -> Survey:
    """Read what there is, whatever is wrong with it.

    Raises:
        FieldguideError: as `read_knowledge`.
    """
    problems: list[Problem] = []
    entities: dict[str, Entity] = {}
    path = _the_one(folder, ENTITIES_FILE, ".jsonl", *SUFFIXES)
    written: set[str] = set()  # ids of rows that are wrong elsewhere: not unknown as well
    for where, entity in _valid(_noted(_entity_rows(path, problems), written), Entity, problems):
        if entity.entity_id in entities:
            problems.append(Problem(where, f"entity_id {entity.entity_id!r} occurs twice"))
        entities[entity.entity_id] = entity
    problems += _name_problems(path, entities)
    whole = not problems
    table = _the_one(folder, ATTRIBUTES_FILE, *SUFFIXES)
    rows = list(_valid(_collected(table_rows(table, list(Attribute.model_fields)), problems), Attribute, problems))
    problems += _attribute_problems(rows, written, path.name)
    features = _read_features(folder / FEATURES_FILE, problems)
    problems += feature_problems(str(folder / FEATURES_FILE), features, rows)
    if not entities and not problems:
        problems.append(Problem(str(path), "holds no entity; write one a line, or a row"))
    return Survey(Knowledge(entities, [attribute for _, attribute in rows], features, path.name), problems, whole)


def _the_one(folder: Path, usual: str, *suffixes: str) -> Path:
    """The file that is there under one of the names that it may have.

    Raises:
        FieldguideError: none is, or several are.
    """
    there = [path for suffix in suffixes if (path := (folder / usual).with_suffix(suffix)).exists()]
    if len(there) > 1:
        raise FieldguideError(f"{folder}: {' and '.join(path.name for path in there)} are both there; keep one of them")
    if not there:
        raise FieldguideError(f"{folder / usual}: no such file, nor one that ends in {' or '.join(suffixes)}")
    return there[0]


def _entity_rows(path: Path, problems: list[Problem]) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.suffix == ".jsonl":
        yield from ((f"{path}:{number}", row) for number, row in read_jsonl(path))
        return
    required = ["entity_id", "name", "taxonomy"]
    optional = [name for name in Entity.model_fields if name not in required]
    for where, cells in _collected(table_rows(path, required, optional), problems):
        row: dict[str, Any] = dict(cells)
        for name in _LISTS.keys() & row.keys():
            row[name] = [item.strip() for item in re.split(_LISTS[name], cells[name]) if item.strip()]
        if "plural" in row:
            row["plural"] = _TRUTHS.get(cells["plural"].casefold(), cells["plural"])
        yield where, row


def _noted(rows: Iterator[tuple[str, dict[str, Any]]], ids: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, row in rows:
        ids.add(str(row.get("entity_id")))
        yield where, row


def _collected(
    rows: Iterator[tuple[str, dict[str, str]]], problems: list[Problem]
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows; what keeps the table from being read is told with the problems of the other files."""
    try:
        yield from rows
    except ProblemsError as error:
        problems += error.problems


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


def _attribute_problems(rows: list[tuple[str, Attribute]], written: set[str], entities_file: str) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    parts: dict[str, tuple[str, str]] = {}
    for where, row in rows:
        if written and row.entity_id not in written:
            yield Problem(where, f"entity_id {row.entity_id!r} is not in {entities_file}")
        first = seen.setdefault((row.entity_id, row.feature), where)
        if first != where:
            yield Problem(where, f"{row.entity_id} has a `{row.feature}` already, at {first}; one value each")
        part, place = parts.setdefault(row.feature, (row.part, where))
        if part != row.part:
            yield Problem(where, f"`{row.feature}` shows on part {row.part!r} here and on {part!r} at {place}")


def _read_features(path: Path, problems: list[Problem]) -> dict[str, Feature]:
    if not path.exists():
        return {}
    values = read_yaml(path)
    if values is None:  # nothing but comments
        return {}
    if not isinstance(values, dict):
        problems.append(Problem(str(path), "must hold `feature: {said: ...}`, one a line"))
        return {}
    features: dict[str, Feature] = {}
    for name, value in values.items():
        where = f"{path}: {name}"
        wrong = list(_yaml_problems(where, name, value))
        problems += wrong
        if not wrong:
            features |= {str(name): feature for _, feature in _valid(iter([(where, value)]), Feature, problems)}
    return features


def _yaml_problems(where: str, name: object, value: object) -> Iterator[Problem]:
    """What YAML makes of words that were meant as words: `yes` a truth, `3` a number."""
    said = value.get("said") if isinstance(value, dict) else None
    if not isinstance(name, str) or not isinstance(value, dict):
        yield Problem(
            where, "must be a feature's name (in quotes, if YAML takes it for a number or truth) and its keys"
        )
    elif isinstance(said, dict):
        for key, worded in said.items():
            if not isinstance(key, str):
                yield Problem(where, f"`said`: YAML takes {key!r} for no text; put the value in quotes")
            elif not isinstance(worded, str) or not worded.strip():
                yield Problem(where, f"`said`: {key}: {worded!r} is no predicate such as `has a mane`")
    elif said is not None and not isinstance(said, str):
        yield Problem(where, f"`said`: {said!r} is neither a predicate nor one for each value")


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
        shown = repr(item["input"])
        found = "" if item["type"] == "missing" else f" (found {shown[:_SHOWN]}{'...' * (len(shown) > _SHOWN)})"
        yield Problem(where, f"`{key}`: {_IN_WORDS.get(str(item.get('ctx', {}).get('pattern')), item['msg'])}{found}")
