"""Parquet tables with a schema, a key and a version, checked when they are written and when they are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_path

SCHEMA_VERSION = 1
"""Of every table, and of every record of a JSONL file (fieldguide/records/)."""


@dataclass(frozen=True)
class Column:
    """One column: pyarrow type, meaning, whether null is allowed, and the allowed values if they are few."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """A Parquet table: columns in order, and the columns that together identify a row."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        """The pyarrow schema, each field carrying its meaning, the whole its name and version."""
        fields = [pa.field(c.name, c.type, c.nullable, {"meaning": c.meaning}) for c in self.columns]
        return pa.schema(fields, {"table": self.name, "schema_version": str(SCHEMA_VERSION)})

    def problems(self, frame: pd.DataFrame, where: str, only: Sequence[str] | None = None) -> Iterator[Problem]:
        """Everything that keeps `frame` from being this table: columns, nulls, allowed values, duplicate keys.

        `only`: as if the table had no other columns than these.
        """
        names = [c.name for c in self.columns if only is None or c.name in only]
        for name in sorted(set(names) - set(frame.columns)):
            yield Problem(where, f"column `{name}` is missing; {self.name} has {', '.join(names)}")
        for name in sorted(set(frame.columns) - set(names)):
            yield Problem(where, f"column `{name}` is not part of {self.name}; it has {', '.join(names)}")
        for column in self.columns:
            if column.name not in frame:
                continue
            values = frame[column.name]
            nulls = values.isna()
            if nulls.any() and not column.nullable:
                row = int(nulls.to_numpy().argmax())
                yield Problem(f"{where} row {row}", f"`{column.name}` is empty; it must have a value")
            if column.allowed is not None:
                wrong = ~nulls & ~values.isin(column.allowed)
                if wrong.any():
                    row = int(wrong.to_numpy().argmax())
                    allowed = ", ".join(column.allowed)
                    yield Problem(f"{where} row {row}", f"`{column.name}` is {values.iloc[row]!r}; allowed: {allowed}")
        if set(self.key) <= set(frame.columns):
            twice = frame.duplicated(list(self.key))
            if twice.any():
                row = int(twice.to_numpy().argmax())
                key = ", ".join(str(frame[name].iloc[row]) for name in self.key)
                yield Problem(f"{where} row {row}", f"the key ({', '.join(self.key)}) = ({key}) occurs twice")

    def write(self, path: Path, frame: pd.DataFrame) -> None:
        """Validate and write atomically; rows in the order given (callers sort by the key). Same rows, same bytes.

        Raises:
            ProblemsError: the frame is not this table.
        """
        self._refuse(frame, str(path))
        try:
            table = pa.Table.from_pandas(
                frame[[c.name for c in self.columns]], schema=self.schema, preserve_index=False
            )
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise FieldguideError(f"{path}: does not fit the table {self.name}: {error}") from None
        with atomic_path(path) as temporary:
            pq.write_table(table.replace_schema_metadata(self.schema.metadata), temporary, compression="zstd")

    def write_batches(self, path: Path, batches: Iterable[pa.Table]) -> None:
        """As `write`, of Arrow tables as they come, a row group each; all rows together are sorted by the key.

        Raises:
            ProblemsError: a batch is not this table, or the rows are not sorted.
        """
        last = self.schema.empty_table().select(self.key)
        with atomic_path(path) as temporary, pq.ParquetWriter(temporary, self.schema, compression="zstd") as writer:
            for batch in batches:
                keys = pa.concat_tables([last, batch.select(self.key).cast(last.schema)])
                self._refuse(_frame(batch), str(path))
                unsorted = list(self._unsorted(keys, str(path)))
                if unsorted:
                    raise ProblemsError(f"{path} is not a valid {self.name} table:", unsorted)
                writer.write_table(batch.cast(self.schema), row_group_size=max(1, len(batch)))
                last = keys.slice(max(0, len(keys) - 1))

    def _unsorted(self, keys: pa.Table, where: str) -> Iterator[Problem]:
        rows = list(zip(*(keys[name].to_pylist() for name in self.key), strict=True))
        for one, other in itertools.pairwise(rows):
            if one >= other:
                what = "occurs twice" if one == other else f"comes after {one}"
                yield Problem(where, f"the key ({', '.join(self.key)}) = {other} {what}")
                return

    def read(self, path: Path, only: Sequence[str] | None = None) -> pd.DataFrame:
        """Read and validate. Nullable strings come as None; lists as Python lists.

        `only`: read these columns alone. A million rows of text take some hundred MB a column.

        Raises:
            FieldguideError: missing file, not Parquet or damaged, another table or schema version.
            ProblemsError: columns or rows that do not fit.
        """
        if not path.is_file():
            raise FieldguideError(f"{path}: {'is no file' if path.exists() else 'no such file'}; `dvc repro` makes it")
        try:
            table = pq.read_table(path, columns=None if only is None else list(only), memory_map=True)
            self._expect(table.schema, path)
            frame = _frame(table)
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
            words = str(error).partition("\n")[0]
            raise FieldguideError(f"{path}: not a Parquet file, or damaged ({words})") from None
        self._refuse(frame, str(path), only)
        for column in self.columns:
            is_object = column.nullable or pa.types.is_list(column.type) or pa.types.is_string(column.type)
            if column.name in frame and not is_object:
                frame[column.name] = frame[column.name].astype(column.type.to_pandas_dtype())
        return frame

    def _expect(self, schema: pa.Schema, path: Path) -> None:
        """Refuse another table, another version, and columns of another type or that occur twice."""
        metadata = schema.metadata or {}
        found = tuple(metadata.get(key, b"?").decode(errors="replace") for key in (b"table", b"schema_version"))
        if found != (self.name, str(SCHEMA_VERSION)):
            raise FieldguideError(
                f"{path}: holds table {found[0]} version {found[1]}; expected {self.name} version {SCHEMA_VERSION}"
            )
        types = {column.name: column.type for column in self.columns}
        problems = [
            Problem(str(path), f"column `{field.name}` is of type {field.type}; expected {types[field.name]}")
            for field in schema
            if field.name in types and field.type != types[field.name]
        ]
        twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
        problems += [Problem(str(path), f"column `{name}` occurs twice") for name in twice]
        if problems:
            raise ProblemsError(f"{path} is not a valid {self.name} table:", problems)

    def frame(self, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
        """Rows as a frame with this table's columns in order, also when there are none."""
        return pd.DataFrame(list(rows), columns=[c.name for c in self.columns], dtype=object)

    def _refuse(self, frame: pd.DataFrame, where: str, only: Sequence[str] | None = None) -> None:
        problems = list(self.problems(frame, where, only))
        if problems:
            raise ProblemsError(f"{where} is not a valid {self.name} table:", problems)


def _frame(table: pa.Table) -> pd.DataFrame:
    return pd.DataFrame({name: _objects(table.column(name)) for name in table.column_names}, dtype=object)


def _objects(column: pa.ChunkedArray) -> Any:
    """Python's objects for a column. Equal texts are one object: a million rows share the names of a thousand."""
    if not pa.types.is_string(column.type):
        return column.to_pylist()
    encoded = column.dictionary_encode().combine_chunks()
    texts = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    return texts[encoded.indices.fill_null(len(texts) - 1).to_numpy()]
