"""Placeholders of the templates that params.yaml may hold: which there are, and whether they will do."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter

from fieldguide.core.errors import FieldguideError


def placeholders(template: str) -> list[str | None]:
    """Names of a template's placeholders in order; None for text that is not a template."""
    try:
        return [name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                for _, name, spec, conversion in Formatter().parse(template) if name is not None]  # fmt: skip
    except ValueError:
        return [None]


def check_placeholders(template: str, where: str, needed: str, allowed: Sequence[str], advice: str) -> None:
    """Refuse a template that lacks the placeholder `needed`, has one that is not `allowed`, or is no template.

    Raises:
        FieldguideError: names the key of params.yaml, the placeholder, and what is allowed (`advice`).
    """
    found = placeholders(template)
    wrong = [name for name in found if name not in allowed]
    if wrong or needed not in found:
        what = (
            "braces do not match" if None in wrong else f"placeholder {{{wrong[0]}}}" if wrong else f"no {{{needed}}}"
        )
        raise FieldguideError(f"params.yaml: {where}: {what} in {template!r}; {advice}")
