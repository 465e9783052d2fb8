"""Who judged: the assessors, how far they agree, and how their judgments became grades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.health import Cells, View

Values = Mapping[str, Any]
"""A part of agreement.json."""


def people(benchmark: Benchmark) -> View | None:
    """What people.html.j2 shows of agreement.json; None where no person judged.

    Raises:
        FieldguideError: the file is not one that this version understands.
    """
    values = benchmark.agreement
    if values is None:
        return None
    return {
        "lead": _lead(values),
        "assessors": _assessors(values),
        "decided": Cells(("decided by", "grades"), tuple(sorted(values["decided_by"].items())), frozenset({1})),
        "errors": _errors(values),
        "kappas": _kappas(values),
        "topics": _topics(values, {topic.topic_id: topic.text for topic in benchmark.topics}),
        "anchoring": values["anchoring"]["words"] if values["anchoring"] else "",
        "notes": values["notes"],
    }


def _lead(values: Values) -> str:
    overall = values["agreement"]["overall"]
    text = (
        f"{values['pairs']:,} images of subtopics were judged, {values['several']:,} of them by two or more assessors; "
        f"on {values['differing']:,} their answers differ. Krippendorff's alpha of the grades, where 1 is full "
        f"agreement and 0 is chance: {_estimate(overall['ordinal'])} (ordinal), "
        f"{_estimate(overall['nominal'])} (nominal)."
    )
    if overall["ordinal"]["low"] is not None:
        text += f" Intervals ({values['confidence']:.0%}) resample topics."
    return text


def _assessors(values: Values) -> Cells:
    heads = ("assessor", "images", "answers", "gold right", "same when asked again", "bias")
    rows = tuple(
        (
            one["assessor"],
            one["votes"],
            ", ".join(f"{choice} {count:,}" for choice, count in one["choices"].items()),
            _share(one["gold"]),
            _share(one["repeats"]),
            _estimate(one["bias"], sign=True),
        )
        for one in values["assessors"]
    )
    return Cells(heads, rows, frozenset({1, 3, 4, 5}))


def _errors(values: Values) -> Cells:
    """Of each assessor and true grade, how often each grade is given, as the model of assessors estimates."""
    grades = sorted({grade for one in values["errors"] for grade in one["grades"]})
    heads = ("assessor", "wrong in all", "true grade", "images", *(f"says {grade}" for grade in grades))
    rows = []
    for one in values["errors"]:
        for true, images, rates in zip(one["grades"], one["images"], one["rates"], strict=True):
            # Without an image of this grade the rates are what the estimate was begun with.
            by_grade = dict(zip(one["grades"], rates, strict=True)) if images >= 0.5 else {}
            says = (f"{by_grade[grade]:.0%}" if grade in by_grade else "-" for grade in grades)
            rows.append((one["assessor"], f"{one['error_rate']:.1%}", true, round(images), *says))
    return Cells(heads, tuple(rows), frozenset(range(1, len(heads))))


def _kappas(values: Values) -> Cells:
    heads = ("assessor", "and", "images", "same grade", "kappa", "kappa, squared weights", "remark")
    rows = tuple(
        (
            one["first"],
            one["second"],
            one["images"],
            "-" if one["same"] is None else f"{one['same']:.0%}",
            _number(one["unweighted"]),
            _number(one["quadratic"]),
            one["reason"] or "",
        )
        for one in values["agreement"]["kappas"]
    )
    return Cells(heads, rows, frozenset({2, 3, 4, 5}))


def _topics(values: Values, texts: Mapping[str, str]) -> Cells:
    """Least agreement first; topics without an alpha last."""
    found = sorted(
        values["agreement"]["topics"].items(),
        key=lambda item: (item[1]["ordinal"]["value"] is None, item[1]["ordinal"]["value"] or 0, item[0]),
    )
    rows = tuple(
        (texts.get(topic, topic), one["ordinal"]["units"], _estimate(one["ordinal"]), _estimate(one["nominal"]))
        for topic, one in found
    )
    return Cells(("topic", "images judged by several", "alpha, ordinal", "alpha, nominal"), rows, frozenset({1}))


def _estimate(estimate: Values, sign: bool = False) -> str:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None:
        return f"none: {estimate['reason']}"
    form = "+.2f" if sign else ".2f"
    return f"{value:{form}}" + (f" ({low:{form}} to {high:{form}})" if low is not None else "")


def _share(share: Values) -> str:
    if share["share"] is None:
        return "-"
    return f"{share['count']} of {share['of']} ({share['low']:.0%} to {share['high']:.0%})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
