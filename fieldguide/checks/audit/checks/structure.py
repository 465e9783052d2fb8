"""Records as records: fields that are missing, dead or of several types, and questions that occur twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fieldguide.checks.audit.finding import Observation, Place, Severity
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, normalised
from fieldguide.core.english import counted
from fieldguide.core.grouping import grouped
from fieldguide.formats.deviations import KINDS

_ENOUGH = 5
"""Records from which on a field's emptiness or sameness says something."""


@check(
    "structure.deviations",
    proves="The file holds what readers take differently: repeated keys, labels that are no numbers, lost fields.",
    cannot="What a reader of another language makes of it.",
    advice="Mend the file at these places and publish it again under a new version.",
)
def deviations(subject: AuditSubject) -> Iterator[Observation]:
    """What the reader noticed, by kind."""
    kinds = grouped((d.kind, Place(d.where, d.detail)) for d in subject.collection.deviations)
    for kind, rows in sorted(kinds.items()):
        known = KINDS.get(kind)
        severity: Severity = "note" if known and known.lossless else "error"
        meaning = known.meaning if known else "the reader found something odd"
        evidence = f"{counted(len(rows), 'place')} in the file."
        yield Observation(severity, "certain", f"{kind}: {meaning}", evidence, tuple(rows))


@check(
    "structure.missing-field",
    proves="Some records lack a field that others have: a reader that takes columns, or drops rows with a gap, loses "
    "those records or shows them as empty.",
    cannot="Whether the field matters for the scores.",
    advice="Give every record every field; write null where there is no value, and say what null means.",
)
def missing_field(subject: AuditSubject) -> Iterator[Observation]:
    """Fields that some records lack and others have."""
    questions = subject.collection.questions
    for name, values in _columns(subject).items():
        lacking = [(n, q) for n, q in enumerate(questions) if n not in values]
        if not lacking:
            continue
        first, last = lacking[0][0], lacking[-1][0]
        block = "" if last - first + 1 != len(lacking) else ", one block"
        rows = tuple(Place(q.where, f"has no `{name}`") for _, q in lacking)
        evidence = (
            f"{counted(len(values), 'record')} of {len(questions)} have it, {len(lacking)} do not{block}. Grouping by "
            f"`{name}` or dropping rows with a gap leaves {len(values)} of {len(questions)}."
        )
        title = f"Field `{name}` is missing from {counted(len(lacking), 'record')}"
        yield Observation("warning", "certain", title, evidence, rows)


@check(
    "structure.mixed-types",
    proves="One field holds several JSON types: a reader that takes columns refuses the file, casts, or drops values.",
    cannot="Which of the types is meant.",
    advice="Use one type a field.",
)
def mixed_types(subject: AuditSubject) -> Iterator[Observation]:
    """Fields, and items of lists, whose type differs between records; null and the empty list fit any."""
    questions = subject.collection.questions
    for name, values in _columns(subject).items():
        types = grouped((kind, number) for number, value in values.items() for kind in _kinds(value))
        if len(types) < 2:
            continue
        common = max(types, key=lambda kind: (len(types[kind]), kind))
        rows = tuple(
            Place(questions[n].where, f"`{name}` is {kind}: {_short(values[n])}")
            for kind, numbers in sorted(types.items())
            if kind != common
            for n in numbers
        )
        evidence = ", ".join(f"{kind} in {counted(len(n), 'record')}" for kind, n in sorted(types.items()))
        yield Observation("error", "certain", f"Field `{name}` is of several types", evidence + ".", rows)


@check(
    "structure.dead-field",
    proves="A field says nothing: it is empty, or the same, in every record.",
    cannot="Whether an older version of the data filled it.",
    advice="Drop the field, or say what it was for.",
)
def dead_field(subject: AuditSubject) -> Iterator[Observation]:
    """Fields that are empty everywhere, or hold one value everywhere."""
    questions = subject.collection.questions
    for name, values in _columns(subject).items():
        distinct = {_json(value) for value in values.values()}
        if len(values) < _ENOUGH or len(distinct) > 1:
            continue
        value = next(iter(values.values()))
        empty = value in (None, "", [], {})
        what = "empty" if empty else f"always {_short(value)}"
        list_note = " A reader that infers types gives the column no type (a list of nothing)." if value == [] else ""
        evidence = f"{counted(len(values), 'record')} of {len(questions)} have it, and it is {what}.{list_note}"
        rows = (Place(questions[next(iter(values))].where, f"`{name}` is {_short(value)}, as in every other record"),)
        yield Observation("note", "certain", f"Field `{name}` is {what}", evidence, rows)


@check(
    "structure.repeated-question",
    proves="The same question stands in the file more than once: it counts more than once in every mean.",
    cannot="Whether the repetition is meant (two pools for one question should then be one question).",
    advice="Keep one, or put their pools under one question.",
)
def repeated_question(subject: AuditSubject) -> Iterator[Observation]:
    """Questions with equal text after case, space and punctuation are gone."""
    places = grouped((normalised(question.text), question) for question in subject.collection.questions)
    again = [found for text, found in places.items() if text and len(found) > 1]
    if again:
        rows = tuple(Place(q.where, q.text) for found in again for q in found)
        title = f"{counted(len(again), 'question')} more than once"
        yield Observation("error", "certain", title, f"{counted(len(rows), 'record')} share a text.", rows)


@check(
    "structure.empty-record",
    proves="A record has no question, or nothing to rank.",
    cannot="What was meant to stand there.",
    advice="Fill or remove the record.",
)
def empty_record(subject: AuditSubject) -> Iterator[Observation]:
    """Questions without text, and pools without images. Where no question has a text, labels alone were given."""
    questions = subject.collection.questions
    rows = [] if subject.bare else [Place(q.where, "has no text") for q in questions if not q.text.strip()]
    unjudged = [Place(q.where, "has no pool of images") for q in questions if not q.pools]
    if subject.labels_apart and unjudged:
        title = f"{counted(len(unjudged), 'topic')} without a judgment"
        yield Observation("note", "certain", title, f"{len(questions)} topics are listed.", tuple(unjudged))
        unjudged = []
    rows += unjudged
    rows += [Place(pool.where, "has no images") for pool in subject.collection.pools if not pool.labels]
    if rows:
        title = f"{counted(len(rows), 'record or pool', 'records or pools')} with nothing in them"
        yield Observation("error", "certain", title, "An empty pool has no score.", tuple(rows))


def _columns(subject: AuditSubject) -> dict[str, dict[int, Any]]:
    """Every further field: its value by the number of the record, in the order in which fields first appear."""
    columns: dict[str, dict[int, Any]] = {}
    for number, question in enumerate(subject.collection.questions):
        for name, value in question.fields.items():
            columns.setdefault(name, {})[number] = value
    return columns


def _kinds(value: Any) -> set[str]:
    """The types of a value as a column-wise reader sees them. Whole numbers fit a column of numbers."""
    if value is None:
        return set()
    if isinstance(value, list | tuple):
        inner = {kind for item in value for kind in _kinds(item)}
        return {f"a list of {kind}" for kind in inner} if inner else set()
    if isinstance(value, bool):
        return {"true or false"}
    if isinstance(value, int | float):
        return {"numbers"}
    return {"objects" if isinstance(value, dict) else "text"}


def _short(value: Any) -> str:
    text = _json(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _json(value: Any) -> str:
    """A value as JSON for comparing and showing; what JSON does not know (NaN) is shown as Python has it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
