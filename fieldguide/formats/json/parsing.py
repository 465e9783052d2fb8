"""JSON that others wrote, read so that nothing in it is lost: keys that occur twice, NaN, nesting without end."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fieldguide.core.files import refuse_crowds
from fieldguide.formats.deviations import Deviation

DEEPEST = 64
"""Levels of nesting; the formats have four."""


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Object(dict[str, Any]):
    """A JSON object: the last value of each key, as every reader takes it, and the pairs that this drops."""

    __slots__ = ("dropped",)

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        pairs = list(pairs)
        super().__init__(pairs)
        self.dropped: list[tuple[str, Any]] = []
        if len(self) < len(pairs):
            last = {key: place for place, (key, _) in enumerate(pairs)}
            self.dropped = [pair for place, pair in enumerate(pairs) if last[pair[0]] != place]


def parse(text: str, made: Callable[[list[tuple[str, Any]]], Any] = Object) -> Any:
    """Parse one document; each object is what `made` makes of its pairs, the inner ones first.

    Raises:
        ValueError: not JSON, half a character, nested deeper than DEEPEST, a number with thousands of digits, more
            objects and lists than memory is there for.
    """
    refuse_crowds(text)
    try:
        value = json.loads(text, object_pairs_hook=made)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a character (a lone \\ud800 to \\udfff), which no text can hold") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    if _deeper(value):
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    return value


def deviations(value: Any, where: str) -> Iterator[Deviation]:
    """Repeated keys and numbers that are not finite, anywhere inside `value`, each with its place."""
    if isinstance(value, float) and not math.isfinite(value):
        yield Deviation(where, "not-finite", f"is {value}, which JSON does not know")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from deviations(item, f"{where}[{place}]")
    elif isinstance(value, dict):
        for key, dropped in getattr(value, "dropped", ()):
            what = f"{key!r} occurs twice: {brief(dropped)}, and last {brief(value[key])}, which is taken"
            yield Deviation(where, "repeated-key", what)
        for key, item in value.items():
            if isinstance(item, (dict, list, float)):
                yield from deviations(item, f"{where} {brief(key)}")


def brief(value: Any) -> str:
    """A value for a message: its JSON, cut after 60 characters."""
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "..."


def kind_of(value: Any) -> str:
    """What JSON calls the value."""
    names = {dict: "an object", Object: "an object", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number")


def _deeper(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [item for inner in level for item in _inside(inner) if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
