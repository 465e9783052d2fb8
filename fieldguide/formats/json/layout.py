"""How a JSON file was written, so that it can be written again byte by byte."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_STYLES: tuple[dict[str, Any], ...] = tuple(
    {"ensure_ascii": ascii_only, "indent": indent, "compact": compact}
    for indent in (None, 4, 2, 1)
    for ascii_only in (True, False)
    for compact in (False, True)
    if not (compact and indent)
)


def dump(value: Any, layout: Mapping[str, Any]) -> str:
    """One document in the layout's style; without one, as Python writes it."""
    separators = (",", ":") if layout.get("compact") else None
    ascii_only, indent = layout.get("ensure_ascii", False), layout.get("indent")
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators, allow_nan=False)


def document_layout(text: str, value: Any) -> dict[str, Any]:
    """The style of one document, and the white space that follows it."""
    bare = text.rstrip(" \t\r\n")
    return {**_style([(bare, value)]), "end": text[len(bare) :]}


def lines_layout(text: str, values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The style of JSON lines: of every line, and what stands at the end of the lines and of the last.

    Args:
        text: the whole file.
        values: each line without its end, and what it holds.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    return {**_style(values), "newline": newline, "end": newline if text.endswith("\n") else ""}


def dump_lines(records: Sequence[Any], layout: Mapping[str, Any]) -> str:
    """JSON lines in the layout's style."""
    newline = layout.get("newline", "\n")
    text: str = newline.join(dump(record, layout) for record in records)
    return text + layout.get("end", "\n") if records else ""


def _style(values: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The first style that gives every text back; the usual one where none does (odd spacing, 1e3, escaped slashes)."""
    for style in _STYLES:
        try:
            if all(dump(value, style) == text for text, value in values):
                return dict(style)
        except ValueError:  # NaN: no writer of ours gives it back
            break
    return dict(_STYLES[0])
