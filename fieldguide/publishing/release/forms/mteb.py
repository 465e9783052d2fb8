"""The release as a task of mteb, in one Python file that lies in it."""

from __future__ import annotations

import re
from typing import Any

import jinja2

from fieldguide.publishing.release.forms.croissant import bibtex
from fieldguide.publishing.release.section import Release

FILE = "mteb_task.py"


def task(release: Release, title: str, people: bool) -> str:
    """The file's text. Whatever stands in params.yaml reaches it as a Python literal.

    Args:
        people: whether people judged.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fieldguide.publishing.release", "templates"),
        autoescape=False,  # noqa: S701 - every value passes `python` or `line`
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(python=repr, line=_line)
    return environment.get_template("mteb_task.py.j2").render(
        release=release,
        title=title,
        task=_name(release.name),
        date=(release.date, release.date) if release.date else None,
        licence=release.licence.lower(),
        annotators="human-annotated" if people else "derived",
        bibtex=bibtex(release, title),
    )


def _name(name: str) -> str:
    """A name of small letters, digits, - and _ as that of a class."""
    return "".join(part.capitalize() for part in re.split("[-_]", name)) + "Retrieval"


def _line(value: Any) -> str:
    """Text for a docstring: one line, that neither ends it nor escapes anything."""
    return " ".join(str(value).split()).replace("\\", "/").replace('"', "'")
