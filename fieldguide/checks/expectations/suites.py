"""What a suite is, and short names for the expectations that suites are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected of a table.

    Attributes:
        title: what is expected, in words; with the table's name it identifies the expectation.
        kind: name of the class in `great_expectations.expectations`.
        arguments: its arguments.
        severity: a failed `error` stops the build, a failed `warning` is shown.
    """

    title: str
    kind: str
    arguments: Mapping[str, Any]
    severity: Severity = "error"


@dataclass(frozen=True)
class Suite:
    """Expectations of one frame. The columns `key` name a row to a person."""

    table: str
    frame: pd.DataFrame
    key: tuple[str, ...]
    expectations: tuple[Expectation, ...] = field(default=())


def alone(column: str, title: str) -> Expectation:
    """No value occurs twice."""
    return Expectation(title, "ExpectColumnValuesToBeUnique", {"column": column})


def among(column: str, values: Iterable[Any], title: str, severity: Severity = "error") -> Expectation:
    """Every value that is not null is one of `values`."""
    return Expectation(
        title, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": sorted(set(values))}, severity
    )


def between(
    column: str, low: float | None, high: float | None, title: str, severity: Severity = "error"
) -> Expectation:
    """Every value is from `low` to `high`, both included; None is no bound."""
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Expectation(title, "ExpectColumnValuesToBeBetween", arguments, severity)


def holds(column: str, title: str, severity: Severity = "error") -> Expectation:
    """A column of truth values, computed beforehand, is true in every row."""
    return among(column, [True], title, severity)


def empty(title: str, severity: Severity = "error") -> Expectation:
    """A frame of offenders has no row; the column `offends` of such a frame is true throughout."""
    return Expectation(title, "ExpectColumnValuesToNotBeInSet", {"column": "offends", "value_set": [True]}, severity)


def typed(column: str, type_: str) -> Expectation:
    """Every value is of a Python type, by its name."""
    title = f"`{column}` is {type_}"
    return Expectation(title, "ExpectColumnValuesToBeInTypeList", {"column": column, "type_list": [type_]})
