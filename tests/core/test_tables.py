"""A table refuses what is not as it is declared, when it is written and when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.records.images import REJECTED

GOOD = {"source": "shop", "source_key": "x.png", "reason": "empty", "detail": "0 bytes"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reason": "ugly"}, "row 1: `reason` is 'ugly'; allowed: unreadable, "),
        ({"detail": None}, "row 1: `detail` is empty; it must have a value"),
        ({"more": 1}, "column `more` is not part of rejected; it has source, source_key, "),
        ({"source_key": "y.png"}, "row 1: the key (source, source_key) = (shop, y.png) occurs twice"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    frame = pd.DataFrame([GOOD | {"source_key": "y.png"}, GOOD | change], dtype=object)
    path = tmp_path / "rejected.parquet"
    with pytest.raises(ProblemsError) as caught:
        REJECTED.write(path, frame)
    assert f"{path} {problem}" in str(caught.value) or f"{path}: {problem}" in str(caught.value)
    assert not path.exists()


def test_a_missing_column_and_another_type_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rejected.parquet"
    with pytest.raises(ProblemsError, match="column `detail` is missing; rejected has source, source_key, "):
        REJECTED.write(path, pd.DataFrame([GOOD]).drop(columns="detail"))
    with pytest.raises(FieldguideError, match="does not fit the table rejected"):
        REJECTED.write(path, pd.DataFrame([GOOD | {"detail": 7}], dtype=object))
    assert not path.exists()


def _refusals(*keys: str, **change: Any) -> pa.Table:
    rows = [GOOD | {"source_key": key} | change for key in keys]
    return pa.Table.from_pylist(rows, schema=pa.schema([(column.name, column.type) for column in REJECTED.columns]))


def test_batches_are_row_groups_and_one_is_what_write_writes(tmp_path: Path) -> None:
    REJECTED.write_batches(tmp_path / "batches.parquet", [_refusals("a", "b", "c")])
    REJECTED.write(tmp_path / "frame.parquet", _refusals("a", "b", "c").to_pandas())
    assert (tmp_path / "batches.parquet").read_bytes() == (tmp_path / "frame.parquet").read_bytes()
    REJECTED.write_batches(tmp_path / "several.parquet", [_refusals("a", "b"), _refusals(), _refusals("c")])
    assert REJECTED.read(tmp_path / "several.parquet")["source_key"].tolist() == ["a", "b", "c"]
    assert pq.ParquetFile(tmp_path / "several.parquet").num_row_groups >= 2


@pytest.mark.parametrize(
    ("batches", "problem"),
    [
        ([_refusals("a", reason="ugly")], "row 0: `reason` is 'ugly'; allowed: unreadable, "),
        ([_refusals("a", "b", detail=None)], "row 0: `detail` is empty; it must have a value"),
        ([_refusals("a"), _refusals("a")], r"the key (source, source_key) = ('shop', 'a') occurs twice"),
        ([_refusals("b"), _refusals("c", "a")], r"= ('shop', 'a') comes after ('shop', 'c')"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(tmp_path: Path, batches: list[pa.Table], problem: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        REJECTED.write_batches(tmp_path / "rejected.parquet", batches)
    assert problem in str(caught.value)
    assert not (tmp_path / "rejected.parquet").exists()
