"""What a suite is, and the expectations that follow from a table's declaration alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from fieldguide.core.tables import Table

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Check:
    """One expectation.

    Attributes:
        title: what is expected, in words; with the table's name it identifies the check.
        expectation: name of the class in `great_expectations.expectations`.
        arguments: its arguments.
        severity: a failed `error` stops the build, a failed `warning` is shown.
    """

    title: str
    expectation: str
    arguments: Mapping[str, Any]
    severity: Severity = "error"


@dataclass(frozen=True)
class Suite:
    """Checks of one frame. The columns `key` name a row to a person."""

    table: str
    frame: pd.DataFrame
    key: tuple[str, ...]
    checks: tuple[Check, ...] = field(default=())


def schema_suite(table: Table, frame: pd.DataFrame) -> Suite:
    """Columns, key, types, nulls and allowed values, as `fieldguide.records` declares them.

    Args:
        table: the declaration.
        frame: rows as they lie in the file, unvalidated, of dtype object.
    """
    names = [column.name for column in table.columns]
    checks = [Check("has exactly its columns", "ExpectTableColumnsToMatchSet", {"column_set": names})]
    if set(table.key) <= set(frame.columns):
        checks.append(unique(*table.key))
    for column in table.columns:
        if column.name not in frame:
            continue
        if not column.nullable:
            checks.append(present(column.name))
        types = {"column": column.name, "type_list": [_python_type(column.type)]}
        words = f"`{column.name}` is {_python_type(column.type)}"
        checks.append(Check(words, "ExpectColumnValuesToBeInTypeList", types))
        if column.allowed is not None:
            checks.append(among(column.name, column.allowed, f"`{column.name}` is one of {', '.join(column.allowed)}"))
    key = tuple(name for name in table.key if name in frame.columns)
    return Suite(table.name, frame, key, tuple(checks))


def present(column: str) -> Check:
    """The column has a value in every row."""
    return Check(f"`{column}` is never empty", "ExpectColumnValuesToNotBeNull", {"column": column})


def unique(*columns: str) -> Check:
    """No two rows have the same values of these columns."""
    title = f"{', '.join(f'`{column}`' for column in columns)} identifies a row"
    if len(columns) == 1:
        return alone(columns[0], title)
    return Check(title, "ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)})


def alone(column: str, title: str) -> Check:
    """No value occurs twice."""
    return Check(title, "ExpectColumnValuesToBeUnique", {"column": column})


def among(column: str, values: Iterable[Any], title: str, severity: Severity = "error") -> Check:
    """Every value that is not null is one of `values`."""
    return Check(title, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": sorted(set(values))}, severity)


def between(column: str, low: float | None, high: float | None, title: str, severity: Severity = "error") -> Check:
    """Every value is from `low` to `high`, both included; None is no bound."""
    arguments = {"column": column, "min_value": low, "max_value": high}
    return Check(title, "ExpectColumnValuesToBeBetween", arguments, severity)


def holds(column: str, title: str, severity: Severity = "error") -> Check:
    """A column of truth values, computed beforehand, is true in every row."""
    return among(column, [True], title, severity)


def empty(title: str, severity: Severity = "error") -> Check:
    """A frame of offenders has no row; the column `offends` of such a frame is true throughout."""
    return Check(title, "ExpectColumnValuesToNotBeInSet", {"column": "offends", "value_set": [True]}, severity)


def _python_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return "list"
    if pa.types.is_map(type_) or pa.types.is_struct(type_):
        return "dict"
    return {"string": "str", "int64": "int", "double": "float", "bool": "bool"}[str(type_)]
