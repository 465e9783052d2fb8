"""Prompts: do few-shot examples show what is tested?"""

from __future__ import annotations

from collections.abc import Iterator

from fieldguide.checks.audit.finding import Observation, Place, counted
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject, normalised

_PIECE = 8
"""Words of a run that two texts hardly share by chance (the length that contamination studies use, 8 to 13)."""
_SHARE = 0.5


@check(
    "prompts.test-question",
    proves="A prompt holds a test question, or half of its runs of eight words: what is tested was shown.",
    cannot="Rewordings.",
    advice="Use examples from outside the benchmark, or leave these questions out of the scores.",
    need="prompts",
)
def test_question(subject: AuditSubject) -> Iterator[Observation]:
    """Whole questions in a prompt (case, space and punctuation aside), and questions that share most of their words."""
    whole, part = [], []
    for name, text in subject.prompts.items():
        prompt = f" {normalised(text)} "
        pieces = _pieces(prompt)
        for question in subject.collection.questions:
            asked = normalised(question.text)
            if not asked:
                continue
            if f" {asked} " in prompt:
                whole.append(Place(question.where, f"in {name}: {question.text}"))
            elif (mine := _pieces(asked)) and len(mine & pieces) >= _SHARE * len(mine):
                part.append(
                    Place(question.where, f"{len(mine & pieces)} of {len(mine)} runs in {name}: {question.text}")
                )
    if whole:
        evidence = f"{len(whole)} of {len(subject.collection.questions)} questions stand in a prompt word by word."
        yield Observation("error", "certain", "Prompts contain test questions", evidence, tuple(whole))
    if part:
        evidence = f"{counted(len(part), 'question')} share half of their runs of {_PIECE} words with a prompt."
        yield Observation("error", "likely", "Prompts contain test questions in other words", evidence, tuple(part))


@check(
    "prompts.test-entity",
    proves="A prompt names the entities that one test question compares.",
    cannot="Whether the example gives away what the question asks.",
    advice="Use entities from outside the benchmark in examples.",
    need="prompts",
)
def test_entity(subject: AuditSubject) -> Iterator[Observation]:
    """All names of a question's pools in one prompt."""
    rows = []
    for name, text in subject.prompts.items():
        prompt = f" {normalised(text)} "
        for question in subject.collection.questions:
            names = [normalised(shown) for pool in question.pools if (shown := subject.name(pool))]
            if names and len(names) == len(question.pools) and all(f" {n} " in prompt for n in names):
                rows.append(Place(question.where, f"{' and '.join(names)} in {name}"))
    if rows:
        evidence = f"The entities of {counted(len(rows), 'question')} stand in a prompt."
        yield Observation("warning", "likely", "Prompts name entities that are tested", evidence, tuple(rows))


def _pieces(text: str) -> set[tuple[str, ...]]:
    tokens = text.split()
    return {tuple(tokens[n : n + _PIECE]) for n in range(len(tokens) - _PIECE + 1)}
