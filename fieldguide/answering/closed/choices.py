"""Which of a question's entities a sentence chooses, in the words of `replies.sentences`. Pure computation.

A name stands in a text as one private character, so that rules see neither its words nor its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from fieldguide.answering.closed.replies import plain

_FIRST, _OTHER = 0xE000, "\uf8ff"
_M = "[\ue000-\uf8ff]"
# Names that share what is said of them: "m and m", "m, m or m". Bounded, or each name of a list begins another one.
_LIST = rf"{_M}(?:(?: ,)? (?:and|or|nor) {_M}| , {_M}(?= , {_M}| ,? ?(?:and|or|nor) )){{0,9}}"
# What stands behind one of these is not what is chosen: "m, not m", "rather than m", "smoother than m".
_REJECTED = re.compile(
    r"\b(?:not|no|than|unlike|as|over|versus|vs(?: \.)?|compared (?:to|with)|contrast to|comparison (?:to|with)|"
    rf"opposed to|instead of) (?:(?:that|those) of )?(?P<names>{_LIST})"
)
_DENIED = re.compile(
    rf"(?P<names>{_LIST})(?: (?:'s|\w+)){{0,4}}?"
    r" (?:(?:do|does|did|is|are|was|were|has|have|had|can|could|would|will|:|-|=) (?:\w+ly )?(?:not|no|never)\b"
    r"|lacks?\b|lacking\b|without\b)"
)
# What is said besides: of the other one, or why.
_BESIDES = re.compile(r"(?<= )(?:while|whereas|because|since|although|though|unlike|compared|if) .*$")
_LEADING = re.compile(r"^(?:while|whereas|because|since|although|though|unlike|compared|of|between|among|comparing) ")
_BARE = re.compile(
    r"^(?:(?:well|so|yes|probably|likely|most|clearly|definitely|certainly|only|just|i|i'd|think|believe|would|choose|"
    r"pick|say|go|with|it|that|this|is|'s|be|must|answer|[^\w\s\ue000-\uf8ff]) )*"
    rf"(?P<name>{_M})(?: (?:one|alone|only))?(?= [.;!()\"'}}\u3002]| ,(?! (?:and |or )?{_M})|$)"
)
# What begins so chooses nothing; in other languages no rule here can tell what is denied.
_NOT_READ = re.compile(r"^(?:both|neither|none)\b|\b(?:nicht|keine?|sondern|pas|niet|no es|sino|non e|nao e)\b|不")


def marked_names(text: str, asked: Sequence[str], names: Mapping[str, Sequence[str]]) -> tuple[str, Mapping[str, str]]:
    """A plain text with a character in place of each name, and the entity of each character.

    Of names inside one another the longest is meant. A name of several entities, and a longer name of one that is not
    asked about ("blood orange", where the orange is), has a character that stands for none.
    """
    called: dict[str, set[str]] = {}
    for entity in asked:
        for name in map(_unhyphened, names.get(entity, [entity])):
            called.setdefault(name, set()).add(entity)
    called.pop("", None)
    others = {_unhyphened(own) for entity, all_own in names.items() if entity not in asked for own in all_own}
    called |= {name: set() for name in others - called.keys() if any(own in name for own in called)}
    characters = {entity: chr(_FIRST + place) for place, entity in enumerate(dict.fromkeys(asked))}
    ordered = sorted(called, key=lambda name: (-len(name), name))
    if not ordered:
        return text, {}
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(f'({_spelt(name)})' for name in ordered)})(?!\w)")

    def character(found: re.Match[str]) -> str:
        owners = called[ordered[(found.lastindex or 1) - 1]]
        return f" {characters[next(iter(owners))] if len(owners) == 1 else _OTHER} "

    return pattern.sub(character, text), {character: entity for entity, character in characters.items()}


def starts_with_choice(sentence: str) -> str | None:
    """The character of the name that a sentence consists of, or begins with as an answer of its own: "m, since ..."."""
    found = _BARE.match(sentence)
    return found["name"] if found and not _NOT_READ.search(sentence) else None


def chosen(sentence: str, wants: bool, denied: bool = False) -> frozenset[str]:
    """Characters of the names that a sentence chooses; two where it names both.

    Args:
        sentence: one of `replies.sentences`.
        wants: the question asks for what something is not or has not, so that "m has not" chooses m.
        denied: only those of which it says so.
    """
    if _NOT_READ.search(sentence):
        return frozenset(re.findall(_M, sentence)) | {_OTHER} if re.search(_M, sentence) and not denied else frozenset()
    if denied:
        return _denied(sentence) - _rejected(sentence)
    main = _BESIDES.sub("", sentence)
    if _LEADING.match(main) and (comma := _main_clause(main)):
        main = main[comma:]
    for part in (main, sentence):
        left = frozenset(re.findall(_M, _REJECTED.sub(" ", part)))
        found = left if wants else left - _denied(_REJECTED.sub(" ", part))
        if found:
            return found
    return frozenset()


def _main_clause(sentence: str) -> int:
    """Where it begins behind a leading clause; 0 where there is none. "Of m, m and m, m ...": behind the list."""
    listed = re.match(rf"(?:\w+ )+{_LIST} ,", sentence)
    return listed.end() if listed else sentence.find(" , ") + 1


def _denied(sentence: str) -> frozenset[str]:
    return frozenset(name for found in _DENIED.finditer(sentence) for name in re.findall(_M, found["names"]))


def _rejected(sentence: str) -> frozenset[str]:
    return frozenset(name for found in _REJECTED.finditer(sentence) for name in re.findall(_M, found["names"]))


@cache  # of the names of a benchmark, each asked for again with every answer
def _unhyphened(name: str) -> str:
    return " ".join(plain(name).replace("-", " ").split())


def _spelt(name: str) -> str:
    """A pattern of a name with or without hyphens and apostrophes, in the plural too."""
    words = [re.escape(word).replace("'", "'?") for word in name.split()]
    last = words[-1]
    words[-1] = f"(?:{last}(?:e?s)?|{last[:-1]}ies)" if last.endswith("y") else f"{last}(?:e?s)?"
    return r"[\s-]+".join(words)
