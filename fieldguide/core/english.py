"""English words, as far as comparing and putting questions needs them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

_WORD = re.compile(r"[^\W\d_]+")
# Words that carry no value of their own: sharing one makes two texts neither alike nor ambiguous.
_EMPTY = frozenset({"a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "it", "its", "of", "on", "or",
                    "that", "the", "to", "with"})  # fmt: skip
# Ending, least length of what must be left. In this order, each at most once: "stripes" and "striped",
# "reddish" and "red", "golden" and "gold", "netted" and "net" come out alike. Unlike the usual stemmers
# (Porter's and its kin) it knows the -ish and -en of adjectives of colour and matter.
_ENDINGS = (("s", 3), ("ly", 4), ("ish", 3), ("ed", 3), ("ing", 3), ("en", 4), ("y", 4), ("e", 3))


def stem(word: str) -> str:
    """What the forms of a word have in common, in lower case: `yellowish` -> `yellow`. Good for comparing only."""
    left = word.casefold()
    for ending, least in _ENDINGS:
        if left.endswith(ending) and len(left) - len(ending) >= least and not (ending == "s" and left[-2] in "su"):
            left = left.removesuffix(ending)
            if ending in ("ish", "ed", "ing") and len(left) > 3 and left[-1] == left[-2]:
                left = left[:-1]  # reddish, netted, ribbed
    return left


def words(text: str) -> list[str]:
    """The words of a text in order: letters only, hyphens and apostrophes part words."""
    return _WORD.findall(text)


def stems(text: str) -> list[str]:
    """Stems of a text's words in order, without articles, conjunctions and prepositions."""
    return [stem(word) for word in words(text) if word.casefold() not in _EMPTY]


@cache
def with_article(noun: str) -> str:
    """`a` or `an` before a noun phrase, by its sound: `an owl`, `a uniform skin`; `the Moon` stays as it is."""
    if noun.casefold().startswith("the "):
        return noun
    article = str(inflector().a(noun.lstrip("\"'("))).split()[0]
    return f"{article} {noun}"


@cache
def inflector() -> Any:
    """The engine of inflect, imported only by what puts sentences together.

    inflect has typeguard recompile each of its functions while it is imported, 1.6 of 1.8 seconds, to check types that
    mypy has checked here. There is no setting for it, so typeguard's decorator does nothing meanwhile.
    """
    import typeguard

    checking = typeguard.typechecked
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        import inflect
    finally:
        typeguard.typechecked = checking
    return inflect.engine()


def _as_it_is(function: Any) -> Any:
    return function


def listed(items: Sequence[str], conjunction: str) -> str:
    """`x, y and z`, as a sentence lists them."""
    *first, last = items
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 question`, `3 questions`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def names(text: str, name: str) -> bool:
    """Whether the words of a name stand in a text, together and in order, whatever their case."""
    return f" {' '.join(words(name))} ".casefold() in f" {' '.join(words(text))} ".casefold()
