"""Wordings of the questions: templates.yaml, filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import yaml

from fieldguide.core.english import listed
from fieldguide.queries.wording.nouns import Noun
from fieldguide.queries.wording.predicates import Predicate

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


@cache
def wordings() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """templates.yaml: form, number of entities, wordings."""
    loaded: dict[str, dict[str, list[str]]] = yaml.safe_load(
        resources.files("fieldguide.queries.topics").joinpath("templates.yaml").read_text(encoding="utf-8")
    )
    return loaded


def word_question(form: str, nouns: Sequence[Noun], asked: Predicate, other: Predicate, choice: int) -> tuple[str, str]:
    """(text, template id) of a comparison question.

    Args:
        form: of the question.
        nouns: the entities, in the order in which the question names them.
        asked: what is asked for.
        other: the other one of a pair that differs.
        choice: any number; the wording is chosen by its remainder.
    """
    size = "2" if len(nouns) == 2 else "3+"
    own = wordings()[form][size]
    place = choice % len(own)
    said = [noun.said for noun in nouns]
    (do, have), (does, each_have) = asked.asked_of_many, asked.asked_of_each
    text = own[place].format(
        options=listed(said, "or"),
        entities=listed(said, "and"),
        has=asked.of_one,
        has_not=asked.denied,
        Do=do.capitalize(),
        have=have,
        Does=does.capitalize(),
        each_have=each_have,
        claim=_claimed(said[0], nouns[0], asked),
        contrast=_claimed(said[1], nouns[1], other),
        the_claim=_claimed(nouns[0].definite, nouns[0], asked),
        count=_COUNTS[len(nouns)],
    )
    return text, f"{form}/{size}/{place}"


def word_entity_question(noun: Noun) -> tuple[str, str]:
    """(text, template id) of the question about one entity."""
    text = wordings()["entity"]["1"][0].format(name=noun.said, does="do" if noun.plural else "does")
    return text, "entity/1/0"


def _claimed(said: str, noun: Noun, predicate: Predicate) -> str:
    return f"{said} {predicate.of_many if noun.plural else predicate.of_one}"
