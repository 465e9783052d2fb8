"""Answers: can they be guessed without looking at an image?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from fieldguide.checks.audit.finding import Observation, Place, Severity
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, normalised
from fieldguide.core.english import counted
from fieldguide.formats.collection import PublishedQuestion

_POLAR = re.compile(r"\s*(yes|no)\b", re.IGNORECASE)
_ALPHA = 0.05
_UNEVEN = 0.65
_ENOUGH = 10
"""From so many questions on, a share of _UNEVEN is told whether or not chance would make it: a guesser profits."""


@check(
    "answers.prior",
    proves="One of yes and no is the answer more often than the other: a system that always says so scores above one "
    "half without an image.",
    cannot="Answers in other words than yes and no.",
    advice="Balance the answers, or report the score of always saying so beside every system.",
)
def prior(subject: AuditSubject) -> Iterator[Observation]:
    """Yes against no: uneven by a binomial test (two-sided, alpha .05; a warning), or by share (a note)."""
    said = [(q, match[1].casefold()) for q in subject.collection.questions if (match := _polar(q))]
    counts = Counter(word for _, word in said)
    p = _fair(counts["yes"], counts["no"])
    common = max(counts, key=lambda word: (counts[word], word), default="")
    if p < _ALPHA or (len(said) >= _ENOUGH and counts[common] >= _UNEVEN * len(said)):
        rows = tuple(Place(q.where, q.answers[0]) for q, word in said if word == common)
        evidence = (
            f"{counts['yes']} yes, {counts['no']} no (p = {p:.3f}); always saying {common} is right in "
            f"{counts[common] / len(said):.0%} of these {counted(len(said), 'question')}."
        )
        title = f"The answer is mostly {common!r}"
        if p < _ALPHA:
            yield Observation("warning", "certain", title, evidence, rows)
        else:
            yield Observation("note", "possible", title, evidence, rows)


@check(
    "answers.position",
    proves="The answer is the entity named first (or last) in the question far more often than a fair coin gives.",
    cannot="Answers that name both entities, or none.",
    advice="Shuffle the order of the entities in the questions with a published seed.",
)
def position(subject: AuditSubject) -> Iterator[Observation]:
    """Binomial tests of where the answer is named: in the question, and among the pools."""
    for what, places in (("question", _in_question(subject)), ("pools", _in_pools(subject))):
        first = sum(place for _, place in places)
        last = len(places) - first
        if (p := _fair(first, last)) >= _ALPHA:
            continue
        early = first > last
        rows = tuple(Place(q.where, q.answers[0]) for q, place in places if place is early)
        evidence = f"First in {first}, last in {last} of {counted(len(places), 'question')} (p = {p:.3f})."
        word = "first" if early else "last"
        severity: Severity = "warning" if p < _ALPHA else "note"
        yield Observation(severity, "certain", f"The answer is mostly the {word} in the {what}", evidence, rows)


@check(
    "answers.missing",
    proves="Questions have no answer, or an empty one, while others have.",
    cannot="Whether the question can be answered.",
    advice="Answer them, or say that they are for retrieval only.",
)
def missing(subject: AuditSubject) -> Iterator[Observation]:
    """Questions without an answer in a collection with answers."""
    questions = subject.collection.questions
    bare = [q for q in questions if not any(answer.strip() for answer in q.answers)]
    if bare and len(bare) < len(questions):
        evidence = f"{len(questions) - len(bare)} of {len(questions)} have an answer."
        rows = tuple(Place(q.where, q.text) for q in bare)
        yield Observation("error", "certain", f"{counted(len(bare), 'question')} without an answer", evidence, rows)


@check(
    "answers.presumption",
    proves="The question asks which of the entities has a feature, and the answer is that none or both have it.",
    cannot="Whether the question is meant as a trap.",
    advice="Ask such questions as yes or no, or say that `neither` and `both` are allowed answers.",
)
def presumption(subject: AuditSubject) -> Iterator[Observation]:
    """`Which ...?` answered by neither, none or both."""
    rows = tuple(
        Place(q.where, f"{q.text} -> {q.answers[0]}")
        for q in subject.collection.questions
        if q.answers
        and re.search(r"\bwhich\b", q.text, re.IGNORECASE)
        and re.match(r"\s*(neither|none|both)\b", q.answers[0], re.IGNORECASE)
    )
    if rows:
        title = f"{counted(len(rows), 'question')} that presume what the answer denies"
        evidence = "They ask which has the feature; the answer names neither, or both."
        yield Observation("note", "certain", title, evidence, rows)


def _polar(question: PublishedQuestion) -> re.Match[str] | None:
    return _POLAR.match(question.answers[0]) if question.answers else None


def _fair(one: int, other: int) -> float:
    """Two-sided p of so uneven a split of fair coins."""
    from scipy.stats import binomtest

    return float(binomtest(one, one + other).pvalue) if one + other else 1.0


def _named(question: PublishedQuestion, names: list[str]) -> int | None:
    """Which single one of `names` the answer begins to speak of: named in it while the others are not."""
    answer = normalised(question.answers[0])
    found = [n for n, name in enumerate(names) if name and normalised(name) in answer]
    return found[0] if len(found) == 1 else None


def _in_question(subject: AuditSubject) -> list[tuple[PublishedQuestion, bool]]:
    """Questions whose answer names one entity, and whether the question names that one first."""
    found = []
    for question, names in _answered(subject):
        text = normalised(question.text)
        at = [text.find(normalised(name)) for name in names]
        chosen = _named(question, names)
        if chosen is not None and min(at) >= 0 and len(set(at)) == len(at):
            found.append((question, at[chosen] == min(at)))
    return found


def _in_pools(subject: AuditSubject) -> list[tuple[PublishedQuestion, bool]]:
    """Questions whose answer names one entity, and whether its pool is the first."""
    return [(q, n == 0) for q, names in _answered(subject) if (n := _named(q, names)) is not None]


def _answered(subject: AuditSubject) -> Iterator[tuple[PublishedQuestion, list[str]]]:
    """Questions of two pools with names and an answer that is not yes or no."""
    for question in subject.compared:
        names = [subject.name(pool) or "" for pool in question.pools]
        if len(names) == 2 and all(names) and question.answers and not _polar(question):
            yield question, names
