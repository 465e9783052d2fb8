"""Sections of params.yaml for generators, validated as a params file is."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from fieldguide.models.generators.section import AnyGenerator

_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyGenerator)


def section(kind: str, **values: Any) -> Any:
    return _ADAPTER.validate_python({"kind": kind, **values})
