"""Naming patterns: one way of writing names throughout, or several."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

from fieldguide.checks.audit.finding import Observation, Place
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, Passage
from fieldguide.core.grouping import grouped

# `Turdus pilaris` alone in brackets or behind a label, `(scientific name: Turdus pilaris)`, and the words before.
_BRACKET = re.compile(r"(?P<before>(?:[\w'’-]+\s+){0,5})\((?:(?P<label>[^():]+):)?\s*(?P<name>[A-Z][a-z]+ [a-z-]+)\)")
_MOST = 0.75
_LEAST = 8


class _Mention(NamedTuple):
    """A scientific name in brackets: its label if any, and the words right before the bracket."""

    passage: Passage
    label: str
    name: str
    before: tuple[str, ...]


@check(
    "text.name-label",
    proves="Scientific names stand in brackets with a label (`scientific name:`) in most texts and without, or with "
    "another, in some.",
    cannot="Names outside brackets.",
    advice="Write all of them one way: encoders see the difference.",
)
def name_label(subject: AuditSubject) -> Iterator[Observation]:
    """Labels before binomials, over questions and over answers."""
    for part in ("question", "answer"):
        mentions = _mentions(subject, part)
        labels = grouped((mention.label, mention) for mention in mentions)
        if len(mentions) < _LEAST or len(labels) < 2:
            continue
        common = max(labels, key=lambda label: (len(labels[label]), label))
        rare = [m for label, found in labels.items() if label != common for m in found]
        evidence = ", ".join(
            f"{len(found)} with {label + ':' if label else 'no label'}"
            for label, found in sorted(labels.items(), key=lambda item: -len(item[1]))
        )
        mixed = len(labels[common]) < _MOST * len(mentions)
        title = f"Scientific names in {part}s are written {'in several ways' if mixed else 'otherwise in some places'}"
        rows = tuple(Place(m.passage.where, f"({m.label + ': ' if m.label else ''}{m.name})") for m in rare)
        yield Observation("note", "certain", title, f"Brackets: {evidence}.", rows)


@check(
    "text.name-case",
    proves="Common names are written in capitals in some places and in small letters in others.",
    cannot="Names without a scientific name in brackets behind them.",
    advice="Choose one style for all names.",
)
def name_case(subject: AuditSubject) -> Iterator[Observation]:
    """The last word of the common name, which is neither at a sentence's start nor a proper name by itself."""
    mentions = [
        m for part in ("question", "answer") for m in _mentions(subject, part) if len(m.before) > 1 and m.before[-1]
    ]
    capital = [m for m in mentions if m.before[-1][:1].isupper()]
    small = [m for m in mentions if m.before[-1][:1].islower()]
    rare = min(capital, small, key=len)
    if len(mentions) < _LEAST or len(rare) * 10 < len(mentions):
        return
    by_name: dict[str, set[str]] = defaultdict(set)
    for m in mentions:
        by_name[m.name].add(m.before[-1])
    both = sorted(n for n, found in by_name.items() if len({w.casefold() for w in found}) < len(found))
    some = ", ".join(both[:3]) + (", ..." if len(both) > 3 else "")
    same = f"; written both ways: {some}" if both else ""
    rows = tuple(Place(m.passage.where, f"... {m.before[-1]} ({m.name})") for m in rare)
    evidence = f"{len(capital)} in capitals, {len(small)} in small letters{same}."
    yield Observation("note", "certain", "Common names in capitals and in small letters", evidence, rows)


@check(
    "text.initial-case",
    proves="Some questions begin with a capital and others do not.",
    cannot="Whether the first word is a name.",
    advice="Choose one style: text encoders that know case see the difference.",
)
def initial_case(subject: AuditSubject) -> Iterator[Observation]:
    """First letters of questions; a tenth of both kinds is a mixture."""
    asked = [p for p in subject.passages if p.part == "question" and p.text.strip()[:1].isalpha()]
    capital = [p for p in asked if p.text.strip()[0].isupper()]
    small = [p for p in asked if not p.text.strip()[0].isupper()]
    rare = min(capital, small, key=len)
    if len(asked) >= _LEAST and rare and len(rare) * 10 >= len(asked):
        evidence = f"{len(capital)} begin with a capital, {len(small)} with a small letter."
        rows = tuple(Place(p.where, p.text) for p in rare)
        yield Observation("note", "certain", "Questions begin with capitals and small letters", evidence, rows)


def _mentions(subject: AuditSubject, part: Literal["question", "answer"] | str) -> list[_Mention]:
    return [
        _Mention(p, (m["label"] or "").strip().casefold(), m["name"], tuple(m["before"].split()))
        for p in subject.passages
        if p.part == part
        for m in _BRACKET.finditer(p.text)
    ]
