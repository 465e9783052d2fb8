"""What commands print: rows as a table for people, or as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from typing import Any

_STYLES = {"ok": "green", "up to date": "green", "note": "yellow", "waits": "yellow", "changed": "cyan",
           "frozen": "blue", "problem": "bold red"}  # fmt: skip


def plain(value: Any) -> Any:
    """A record of any of our types as what JSON knows; keys become text, sets are sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "_asdict"):  # a named tuple
        return plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def show_json(value: Any) -> None:
    """Print one JSON document. What cannot be written as UTF-8 (half of a surrogate pair) is escaped."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    print(text.encode("utf-8", "backslashreplace").decode())


def show(rows: Iterable[Any], columns: tuple[str, ...], as_json: bool = False) -> None:
    """Rows (dataclasses or mappings) as a table, colours where a terminal or FORCE_COLOR asks for them, or as JSON."""
    records = [plain(row) for row in rows]
    if as_json:
        show_json(records)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    numbers = {c for c in columns if all(isinstance(record[c], int | float | None) for record in records)}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in numbers and records else "left")
    for record in records:
        cells = ["" if record[c] is None else str(record[c]) for c in columns]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells))
    console = Console()
    if not console.is_terminal:  # a pipe has no width: then no line is folded
        console = Console(width=200)
    console.print(table)
