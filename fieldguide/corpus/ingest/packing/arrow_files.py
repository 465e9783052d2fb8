"""Arrow files: tables that are written batch by batch and memory-mapped when they are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from fieldguide.core.files import atomic_path


def write_arrow(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write record batches as they come, whole or not at all."""
    with atomic_path(path) as temporary, pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for batch in batches:
            file.write_batch(batch)


def read_arrow(path: Path, schema: pa.Schema) -> pa.Table | None:
    """The table, memory-mapped; None where the file is missing, damaged, or of another schema."""
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate(full=True)
    except (OSError, pa.ArrowException):
        return None
    return table if table.schema.equals(schema) else None
