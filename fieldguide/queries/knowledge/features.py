"""Whether features and their values belong together, and can be said in a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fieldguide.core.english import stems
from fieldguide.core.errors import Problem
from fieldguide.queries.knowledge.records import Attribute, Feature, measure
from fieldguide.queries.wording.saying import said_of, template_problem

Placed = tuple[str, Attribute]


def feature_problems(path: str, features: Mapping[str, Feature], rows: Sequence[Placed]) -> Iterator[Problem]:
    """What is wrong with features.yaml (`path`) and the values of attributes.csv, in the order of the files."""
    parts = {row.feature: row.part for _, row in rows}
    for name, feature in features.items():
        where, shown = f"{path}: {name}", parts.get(name)
        if feature.part is None and feature.values:
            yield Problem(where, "`part` is missing: what is read off a gloss needs it")
        if feature.part is not None and shown is not None and shown != feature.part:
            yield Problem(where, f"shows on part {feature.part!r} here and on {shown!r} in attributes.csv")
        if shown is None and not feature.values:
            yield Problem(where, "no row of the attributes has this feature; is it written alike in both?")
        yield from _absence(where, feature, shown or feature.part)
        yield from _template_problems(where, feature)
    for where, row in rows:
        yield from _value_problems(where, row, features.get(row.feature) or Feature())
    yield from _unit_problems(features, rows)


def _template_problems(where: str, feature: Feature) -> Iterator[Problem]:
    if isinstance(feature.said, str) and (wrong := template_problem(feature.said)):
        yield Problem(where, f"`said`: {wrong}")


def _absence(where: str, feature: Feature, part: str | None) -> Iterator[Problem]:
    """A part that some entities lack is no place to look at: to be shown the mane of a tigress, a model draws one."""
    if not isinstance(feature.said, dict) or part is None:
        return
    for worded in feature.said.values():
        lacking = {"no", "without", "lacks"} & set(worded.split())
        if lacking and set(stems(part)) <= set(stems(worded)):
            what = f"part {part!r} is what some lack ({worded!r}): write where one looks to see it, such as `head`"
            yield Problem(where, what)
            return


def _value_problems(where: str, row: Attribute, feature: Feature) -> Iterator[Problem]:
    if feature.compare is not None:
        if measure(row.value) is None:
            what = (
                f"{row.value!r} must be a number such as 1500 or 1.5, or one with its unit (no range, comma or 1.500)"
            )
            yield Problem(where, f"`{row.feature}` is compared: {what}")
            return
        values = [feature.compare.more, feature.compare.less]
    else:
        values = [row.value]
    if isinstance(feature.said, str) and template_problem(feature.said):
        return  # told once, where it stands
    for value in values:
        together = feature.said is None or (isinstance(feature.said, str) and "{part}" in feature.said)
        if together and set(stems(value)) & set(stems(row.part)):
            what = f"value {value!r} repeats part {row.part!r}; questions put the one before the other"
            yield Problem(where, f"{what}, so write an adjective such as `round`")
            continue
        try:
            said_of(feature.said, row.part, value)
        except ValueError as error:
            yield Problem(where, f"`{row.feature}`: {error}")


def _unit_problems(features: Mapping[str, Feature], rows: Sequence[Placed]) -> Iterator[Problem]:
    """Measures of one feature in different units cannot be compared."""
    first: dict[str, tuple[str, str]] = {}
    for where, row in rows:
        compared = row.feature in features and features[row.feature].compare is not None
        measured = measure(row.value) if compared else None
        if measured is None:
            continue
        unit, place = first.setdefault(row.feature, (measured[1], where))
        if measured[1] != unit:
            yield Problem(where, f"`{row.feature}` is in {measured[1] or 'no unit'!r} here, {unit!r} at {place}")
