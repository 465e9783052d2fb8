"""How a value of a feature is said of an entity: as the curator says, or as something that one has."""

from __future__ import annotations

from collections.abc import Mapping

from fieldguide.core.english import with_article, words
from fieldguide.queries.wording.nouns import agreeing, is_count, with_part
from fieldguide.queries.wording.placeholders import placeholders
from fieldguide.queries.wording.predicates import Predicate, parse_predicate

Said = str | Mapping[str, str] | None
PLACES = ("value", "a_value", "part")
# No adjectives: nobody has "a present head" or "a covered with scales skin".
_NO_WORDS = frozenset({"absent", "false", "n/a", "none", "present", "true", "unknown", "varies", "yes"})
_NOT_BEFORE_A_PART = _NO_WORDS | frozenset(
    {"a", "an", "as", "at", "by", "for", "from", "has", "in", "is", "of", "on", "than", "that", "the", "to", "with"}
)


def said_of(said: Said, part: str, value: str) -> Predicate:
    """The predicate for a value of a feature that shows on `part`.

    Raises:
        ValueError: it cannot be said so; why, and what to write instead.
    """
    if said is None:
        return _had(part, value)
    if not isinstance(said, str):
        if value not in said:
            raise ValueError(f"`said` has no predicate for the value {value!r}; it has {', '.join(said)}")
        return parse_predicate(said[value])
    wrong = template_problem(said)
    if wrong:
        raise ValueError(wrong)
    if value.casefold() in _NO_WORDS:
        raise ValueError(
            f"{said!r} does not read with {value!r}; write one predicate a value, `{{{value}: has no ...}}`"
        )
    counted = agreeing(value, part) if "{value} {part}" in said else part  # not in "two toes on each foot"
    worded = said.format(value=value, a_value=with_article(value), part=counted)
    return parse_predicate(worded)


def template_problem(said: str) -> str | None:
    """Why a predicate for all values of a feature will not do, or None."""
    names = placeholders(said)
    if None in names:
        return f"braces do not match in {said!r}"
    if any(name not in PLACES for name in names):
        return f"{said!r}: allowed in braces are {', '.join(PLACES)}"
    if not {"value", "a_value"} & set(names):
        return f"{said!r} lacks {{value}}; write one predicate a value where they have no word in common"
    return None


def _had(part: str, value: str) -> Predicate:
    unfit = [word for word in [value, *words(value)] if word.casefold() in _NOT_BEFORE_A_PART]
    if unfit and not is_count(value):
        raise ValueError(
            f"`has {with_part(value, part)}` does not read; say in features.yaml how it is said, such as "
            "`said: {present: has a mane, absent: has no mane}` or `said: is made of {value}`"
        )
    return parse_predicate(f"has {with_part(value, part)}")
