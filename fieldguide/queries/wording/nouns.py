"""Nouns as a sentence holds them: with their article, in the singular or plural."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from fieldguide.core.english import inflector, with_article

# Without an article, though they are no plurals: `brown fur`, not `a brown fur`.
_MASS = frozenset({"bark", "down", "foliage", "fur", "fuzz", "grass", "hair", "leather", "metal", "moss",
                   "plumage", "stone", "wood", "wool"})  # fmt: skip
# Plurals that inflect does not take back.
_PLURALS = frozenset({"antennae", "bacteria", "cattle", "fungi", "larvae", "leaves", "people", "police", "poultry",
                      "stairs", "sunglasses", "vermin"})  # fmt: skip
# Words with such an ending are singular as often as plural: `walrus`, `iris`, `rhinoceros`, `canvas`.
_WEAK = ("us", "is", "ss", "os", "as")
_COUNTS = frozenset({"few", "many", "no", "several", "two", "three", "four", "five", "six", "seven", "eight", "nine",
                     "ten", "eleven", "twelve"})  # fmt: skip
_ONE = frozenset({"1", "one"})


@dataclass(frozen=True)
class Noun:
    """An entity as a sentence names it: `said` with its article, and whether it takes verbs in the plural."""

    said: str
    plural: bool

    @property
    def definite(self) -> str:
        """With `the` in place of `a` or `an`: `the cattle`, `the owl`; a name of its own stays as it is."""
        bare = re.sub(r"^an? ", "", self.said)
        own_name = bare == self.said and not self.plural
        return bare if own_name or bare.casefold().startswith("the ") else f"the {bare}"


def noun(name: str, said: str | None = None, plural: bool | None = None) -> Noun:
    """How a name stands in a sentence; `said` and `plural` where the curator says so."""
    many = is_plural(name) if plural is None else plural
    return Noun(said or (name if many else with_article(name)), many)


def is_count(value: str) -> bool:
    """Whether a value says how many there are of its part."""
    return value.isdecimal() or value.casefold() in _COUNTS | _ONE


def agreeing(value: str, part: str) -> str:
    """The part in the number that a count asks for: `hump` after `one`, `humps` after `two`; else as it is."""
    if not is_count(value):
        return part
    wants_many = value.casefold() not in _ONE
    if wants_many == is_plural(part):
        return part
    return str(inflector().plural_noun(part) if wants_many else inflector().singular_noun(part) or part)


def with_part(value: str, part: str) -> str:
    """A value before its part as something one has: `a green skin`, `striped wings`, `brown fur`, `two humps`."""
    if is_count(value):
        return f"{value} {agreeing(value, part)}"
    bare = is_plural(part) or part.rsplit(maxsplit=1)[-1].casefold() in _MASS
    return f"{value} {part}" if bare else with_article(f"{value} {part}")


@cache
def is_plural(name: str) -> bool:
    """Whether a name is a plural: `Satsumas`, `cattle`, `birds of paradise`; not `iris`, `walrus`, `sheep`.

    A guess: a plural's singular is a word, and not a much rarer one. A curator says otherwise with `plural`.
    """
    head = re.split(r"\s+(?:of|with|in|from|for|on)\s+", name)[0].split()[-1].split("-")[-1].casefold()
    if head in _PLURALS:
        return True
    one = inflector().singular_noun(head) if head.isalpha() else False
    return bool(one) and _is_plural_of(head, str(one))


def _is_plural_of(head: str, one: str) -> bool:
    if one == head:  # scissors, but neither species nor sheep
        return head.endswith("s") and not head.endswith(("ies", "us"))
    rare, common = _frequency(one), _frequency(head)
    if not head.endswith("s"):
        return rare > 0
    weak = head.endswith(_WEAK)
    if not rare and not common:
        return not weak
    return rare * (2 if weak else 12) > common


def _frequency(word: str) -> int:
    return int(_dictionary()[word])


@cache
def _dictionary() -> Any:
    from spellchecker import SpellChecker

    return SpellChecker().word_frequency
