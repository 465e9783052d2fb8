"""What is said of an entity: `has two humps`, `is made of brass`, `builds a nest`, turned as questions need it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fieldguide.core.english import words

_MODALS = frozenset({"can", "may", "must", "will"})
_PLURAL_FORMS = {"has": "have", "does": "do", "goes": "go", "is": "are", "was": "were"}
_NEGATIONS = frozenset({"lacks", "neither", "never", "no", "nobody", "none", "nor", "not", "nothing", "without"})


@dataclass(frozen=True)
class Predicate:
    """A verb in the third person singular and what follows it.

    >>> humps = parse_predicate("has two humps")
    >>> humps.of_many, humps.denied, humps.asked_of_many
    ('have two humps', 'does not have two humps', ('do', 'have two humps'))
    >>> parse_predicate("is white on its wings").asked_of_many
    ('are', 'white on their wings')
    """

    verb: str
    rest: str

    @property
    def of_one(self) -> str:
        """As it is said of one: `has two humps`."""
        return f"{self.verb} {self.rest}".rstrip()

    @property
    def of_many(self) -> str:
        """As it is said of several: `have two humps`."""
        return f"{self._of_many} {_their(self.rest)}".rstrip()

    @property
    def denied(self) -> str:
        """That it is not so of one: `does not have two humps`, `is not striped`, `cannot fly`."""
        return f"{self.denial} {self.rest}".rstrip()

    @property
    def denial(self) -> str:
        """What denies it: `does not have`, `is not`, `cannot`."""
        if self._is_auxiliary:
            return "cannot" if self.verb == "can" else f"{self.verb} not"
        return f"does not {self._of_many}"

    @property
    def asked_of_many(self) -> tuple[str, str]:
        """What a question about several begins and goes on with: `do`, `have two humps`; `are`, `made of brass`."""
        return (self._of_many, _their(self.rest)) if self._is_auxiliary else ("do", self.of_many)

    @property
    def asked_of_each(self) -> tuple[str, str]:
        """The same about each of several: `does`, `have two humps`; `is`, `made of brass`."""
        return (self.verb, self.rest) if self._is_auxiliary else ("does", f"{self._of_many} {self.rest}".rstrip())

    @property
    def is_negative(self) -> bool:
        """Whether it denies something itself, so that denying it again would make a riddle."""
        return any(word.casefold() in _NEGATIONS for word in words(self.of_one))

    @property
    def _is_auxiliary(self) -> bool:
        return self.verb in _MODALS or self.verb in ("is", "was")

    @property
    def _of_many(self) -> str:
        if self.verb in _MODALS:
            return self.verb
        return _PLURAL_FORMS.get(self.verb) or _without_s(self.verb)


def parse_predicate(text: str) -> Predicate:
    """Read `has two humps`.

    Raises:
        ValueError: it does not begin with a verb that could be one of the third person singular, or denies by another.
    """
    verb, _, rest = " ".join(text.split()).partition(" ")
    known = verb in _MODALS or (re.fullmatch(r"[a-z]+s", verb) is not None and not verb.endswith("ss"))
    helps = verb in (*_MODALS, "has", "is", "was")
    if not known or (helps and not rest):
        raise ValueError(
            f"{text!r} must begin with its verb as it is said of one, in small letters: has, is, can, builds, ...; not "
            "with an adverb, `cannot` or `isn't`: say what it is or has, such as `is flightless`, `has no mane`"
        )
    if verb == "does" or rest.split()[:1] == ["not"]:
        raise ValueError(f"{text!r}: questions deny by themselves; say `has no mane`, `lacks a mane`, `is hornless`")
    return Predicate(verb, rest)


def _their(rest: str) -> str:
    return re.sub(r"\bits\b", "their", re.sub(r"\bitself\b", "themselves", rest))


def _without_s(verb: str) -> str:
    """`builds` -> `build`, `carries` -> `carry`, `lies` -> `lie`, `catches` -> `catch`, `uses` -> `use`."""
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if verb.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return verb[:-2]
    return verb[:-1]
