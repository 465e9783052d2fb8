"""Reading params.yaml: all problems told at once, by the key as it stands in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.section import Section
from fieldguide.core.yaml_files import read_yaml
from fieldguide.params.defaults import filled, follows, roots
from fieldguide.params.document import Params, references, without_left_out


def _sections(annotation: Any) -> list[type[Section]]:
    """The sections that a field may hold, through lists, mappings and unions."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for argument in get_args(annotation) for section in _sections(argument)]


def _kind(section: type[Section]) -> str | None:
    """The one kind that a section is for, if there is one."""
    field = section.model_fields.get("kind")
    kinds = get_args(field.annotation) if field else ()
    return str(kinds[0]) if len(kinds) == 1 else None


def _is_mapping(name: int | str) -> bool:
    """Whether a section of params.yaml holds named sections."""
    field = Params.model_fields.get(str(name))
    return field is not None and get_origin(field.annotation) is dict


def _problem(where: str, error: ErrorDetails) -> Problem:
    """A validation error by the key as it stands in the file, with the allowed keys for an unknown one."""
    sections: list[type[Section]] = [Params]
    key = []
    for place, part in enumerate(error["loc"]):
        # pydantic names the variant of a union by kind, no key of the file; place 1 is a name from the file
        if place != 1 and len(sections) > 1 and part in {"plugin", *map(_kind, sections)}:
            sections = [s for s in sections if _kind(s) == part] or sections
            continue
        key.append(str(part))
        if place == 1 and _is_mapping(error["loc"][0]):
            continue  # a name from the file, though a section may have a field of that name
        inner = [s.model_fields[part].annotation for s in sections if isinstance(part, str) and part in s.model_fields]
        if inner:
            sections = [section for annotation in inner for section in _sections(annotation)]
        elif error["type"] == "extra_forbidden" and part == error["loc"][-1]:
            allowed = sorted({name for section in sections for name in section.model_fields})
            return Problem(f"{where}: {'.'.join(key)}", f"unknown key; allowed: {', '.join(allowed)}")
    # A whole section is in the file to be read: only a value is repeated.
    found = "" if error["type"] == "missing" or isinstance(error["input"], dict) else f" (found {error['input']!r})"
    return Problem(f"{where}: {'.'.join(key)}", f"{error['msg']}{found}")


def parse_params(values: Any, where: str = "params.yaml") -> Params:
    """Validate what a params file holds.

    Raises:
        ProblemsError: every key that is missing, unknown or out of range, with its value and what is allowed.
    """
    if not isinstance(values, dict):
        raise FieldguideError(f"{where}: expected sections such as `ingest:`, found {type(values).__name__}")
    try:
        params = Params.model_validate(filled(values))
    except ValidationError as error:
        problems = [_problem(where, item) for item in error.errors() if not follows(item["loc"], values)]
        problems += [Problem(f"{where}: {p.where}", p.what) for p in roots(values)]
        problems = problems or [_problem(where, item) for item in error.errors()]
        raise ProblemsError(f"{where} is not valid:", problems) from None
    problems = [Problem(f"{where}: {p.where}", p.what) for p in references(params)]
    if problems:
        raise ProblemsError(f"{where} is not valid:", problems)
    return without_left_out(params)


def read_params(path: Path = Path("params.yaml")) -> Params:
    """Read and validate params.yaml.

    Raises:
        FieldguideError: no such file, or not YAML; names the line.
        ProblemsError: keys that stand twice; as `parse_params`.
    """
    if not path.exists():
        other = "; an imported benchmark has none: type `dvc repro`"
        raise FieldguideError(f"{path}: no such file; run from the root of a benchmark's repository{other}")
    return parse_params(read_yaml(path), str(path))
