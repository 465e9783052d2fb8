"""Spelling, for texts full of names: only what is one slip of the hand away from a common word is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fieldguide.checks.audit.finding import Observation, Place
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.core.english import counted
from fieldguide.core.grouping import grouped

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SHORTEST = 5
_COMMON = 100
"""Uses in the dictionary's corpus from which on a word is one that people mean."""
_VOCABULARY = 3
"""Questions with a word from which on it belongs to the benchmark's vocabulary."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiou")
# Words right before a bracket with a binomial are the entity's name in a common tongue.
_NAME = re.compile(r"((?:[\w'’-]+\s+){1,4})\((?:[^()]*:\s*)?[A-Z][a-z]+ [a-z]+[^()]*\)")
_BRITISH = (("our", "or"), ("ise", "ize"), ("isi", "izi"), ("isa", "iza"), ("yse", "yze"), ("tre", "ter"), ("ll", "l"),
            ("ae", "e"), ("oe", "e"), ("ogue", "og"), ("ence", "ense"), ("ould", "old"))  # fmt: skip


@check(
    "text.spelling",
    proves="A word is in no English dictionary and one slip (a letter left out, put in, swapped, or the neighbouring "
    "key) away from a common one.",
    cannot="Slips that make another word; whether a rare word or a name is meant.",
    advice="Correct the word, or leave it if it is a term.",
)
def spelling(subject: AuditSubject) -> Iterator[Observation]:
    """Unknown words, names of entities and of anything in capitals aside."""
    from spellchecker import SpellChecker

    dictionary = SpellChecker()
    places = grouped(
        (word, passage)
        for passage in subject.passages
        for word in _candidates(passage.text)
        if word not in subject.name_words and not _known(word, dictionary)
    )
    rows = []
    for word, found in places.items():
        if len({p.where for p in found}) >= _VOCABULARY or _foreign(word):
            continue
        meant = [w for w in sorted(dictionary.known(dictionary.edit_distance_1(word))) if _slip(word, w)]
        meant = [w for w in meant if dictionary.word_frequency[w] >= _COMMON and "'" not in w]
        if meant:
            best = max(meant, key=lambda w: dictionary.word_frequency[w])
            rows += [Place(p.where, f"{word!r}, perhaps {best!r}: {p.text}") for p in found]
    if rows:
        evidence = f"{counted(len(rows), 'word')} not in the dictionary and one slip away from a common one."
        yield Observation("note", "possible", "Words that may be misspelled", evidence, tuple(rows))


def _candidates(text: str) -> list[str]:
    """Words that are neither names nor too short to judge, in lower case."""
    names = {w.casefold() for match in _NAME.finditer(text) for w in _WORD.findall(match[1])}
    found = []
    for match in _WORD.finditer(text):
        word = match[0]
        first = not text[: match.start()].strip()
        if len(word) >= _SHORTEST and word.isascii() and (first or word.islower()) and word.casefold() not in names:
            found.append(word.casefold())
    return found


def _known(word: str, dictionary: Any) -> bool:
    """In the dictionary, in its American spelling, or two known words in one (narrowleaf)."""
    forms = {word, word.removesuffix("'s"), word.removesuffix("s"), f"{word}s"}
    forms |= {form.replace(british, american) for form in forms for british, american in _BRITISH}
    if dictionary.known(forms):
        return True
    halves = [(word[:n], word[n:]) for n in range(3, len(word) - 2)]
    return any(all(dictionary.word_frequency[half] >= 10 * _COMMON for half in pair) for pair in halves)


@lru_cache
def _foreign(word: str) -> bool:
    """Whether another language has the word: texts on nature and art are full of such."""
    return any(dictionary.known([word]) for dictionary in _other_languages())


@lru_cache(maxsize=1)
def _other_languages() -> list[Any]:
    from spellchecker import SpellChecker

    return [SpellChecker(language=language) for language in ("es", "fr", "it")]


def _slip(word: str, meant: str) -> bool:
    """Whether a hand or ear slips so: one letter more or less, two swapped, a neighbouring key, a wrong vowel."""
    if len(word) != len(meant):
        return True
    wrong = [(a, b) for a, b in zip(word, meant, strict=True) if a != b]
    return len(wrong) == 2 or all({a, b} <= _VOWELS or _neighbours(a, b) for a, b in wrong)


def _neighbours(one: str, other: str) -> bool:
    """Keys side by side on the usual keyboard."""
    return any(abs(row.find(one) - row.find(other)) == 1 for row in _ROWS if one in row and other in row)
