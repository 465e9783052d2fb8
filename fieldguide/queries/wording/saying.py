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
_NOT_BEFORE_A_PART = frozenset(
    {"absent", "false", "n/a", "none", "present", "true", "unknown", "varies", "yes"}
    | {"a", "an", "as", "at", "by", "for", "from", "has", "in", "is", "of", "on", "than", "that", "the", "to", "with"}
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
    wrong = [name for name in placeholders(said) if name not in PLACES]
    if wrong:
        raise ValueError(f"{said!r}: allowed in braces are {', '.join(PLACES)}")
    if not {"value", "a_value"} & set(placeholders(said)):
        raise ValueError(f"{said!r} lacks {{value}}; write one predicate a value where they have no word in common")
    counted = agreeing(value, part) if "{value} {part}" in said else part  # not in "two toes on each foot"
    worded = said.format(value=value, a_value=with_article(value), part=counted)
    return parse_predicate(worded)


def _had(part: str, value: str) -> Predicate:
    unfit = [word for word in [value, *words(value)] if word.casefold() in _NOT_BEFORE_A_PART]
    if unfit and not is_count(value):
        raise ValueError(
            f"`has {with_part(value, part)}` does not read; say in features.yaml how it is said, such as "
            "`said: {present: has a mane, absent: has no mane}` or `said: is made of {value}`"
        )
    return parse_predicate(f"has {with_part(value, part)}")
