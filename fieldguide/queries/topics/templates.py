"""Wordings of the questions: templates.yaml, filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import yaml

from fieldguide.core.english import listed, with_article

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


@cache
def wordings() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """templates.yaml: form, number of entities, wordings."""
    loaded: dict[str, dict[str, list[str]]] = yaml.safe_load(
        resources.files("fieldguide.queries.topics").joinpath("templates.yaml").read_text(encoding="utf-8")
    )
    return loaded


def trait(value: str, part: str) -> str:
    """A value and its part as something one has: `a green skin`, `an oval shape`, `striped wings`."""
    plural = part.endswith("s") and not part.endswith("ss")
    return f"{value} {part}" if plural else with_article(f"{value} {part}")


def word_question(form: str, names: Sequence[str], traits: tuple[str, str], choice: int) -> tuple[str, str]:
    """(text, template id) of a comparison question.

    Args:
        form: of the question.
        names: of the entities, in the order in which the question names them.
        traits: what is asked for, and the other one of a pair that differs.
        choice: any number; the wording is chosen by its remainder.
    """
    size = "2" if len(names) == 2 else "3+"
    own = wordings()[form][size]
    place = choice % len(own)
    articled = [with_article(name) for name in names]
    text = own[place].format(
        options=listed(articled, "or"),
        entities=listed(articled, "and"),
        first=articled[0],
        second=articled[1],
        the_first=names[0] if names[0].casefold().startswith("the ") else f"the {names[0]}",
        trait=traits[0],
        contrast=traits[1],
        count=_COUNTS[len(names)],
    )
    return text, f"{form}/{size}/{place}"


def word_entity_question(name: str) -> tuple[str, str]:
    """(text, template id) of the question about one entity."""
    return wordings()["entity"]["1"][0].format(name=with_article(name)), "entity/1/0"
