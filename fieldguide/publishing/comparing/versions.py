"""Which number of a release's version a change must raise.

First: what scores hang on is another: a topic, a query's text, a label, a grade's meaning, the gallery, a pool; no
figure of before stands beside one of after. Second: scores of before stand; runs, answers, settings, knowledge or files
are others. Third: words alone: name, licence, description, who is cited. Below 1.0.0 the second number rises where the
first would (as in semantic versioning, nothing is promised there).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fieldguide.publishing.comparing.changes import Change

Level = Literal["first", "second", "third"]
_LEVELS: tuple[Level, ...] = ("first", "second", "third")
_SCORES = {"topics", "queries", "labels", "grades", "gallery", "pools"}
_WORDS = {"words"}


@dataclass(frozen=True)
class VersionVerdict:
    """Whether the new version says enough.

    Attributes:
        required: the number that must rise; None: the releases are alike.
        enough: whether it did.
        least: the least version that would do; None where any will.
        why: in words.
    """

    required: Level | None
    enough: bool
    least: str | None
    why: str


def verdict(old: str, new: str, found: Iterable[Change]) -> VersionVerdict:
    """Judge the step from version `old` to `new`."""
    found = list(found)
    required = _required(found)
    if required is None:
        return VersionVerdict(None, True, None, "the releases hold the same")
    groups = ", ".join(dict.fromkeys(change.group for change in found if _level(change) == required))
    before, after = (_numbers(text) for text in (old, new))
    if before is None or after is None:
        wrong = old if before is None else new
        return VersionVerdict(required, False, None, f"{wrong!r} is no version such as 1.0.0; {groups} changed")
    least = _raised(before, required)
    text = ".".join(map(str, least))
    if after >= least:
        return VersionVerdict(required, True, text, f"{groups} changed; {old} -> {new} says so")
    what = f"{groups} changed, so that release.version must be {text} at least; it is {new} after {old}"
    return VersionVerdict(required, False, text, what)


def _required(found: Iterable[Change]) -> Level | None:
    levels = [_level(change) for change in found]
    return min(levels, key=_LEVELS.index) if levels else None


def _level(change: Change) -> Level:
    if change.group in _SCORES:
        return "first"
    return "third" if change.group in _WORDS else "second"


def _numbers(version: str) -> tuple[int, int, int] | None:
    match = re.fullmatch(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?", version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _raised(before: tuple[int, int, int], required: Level) -> tuple[int, int, int]:
    first, second, third = before
    if required == "third":
        return first, second, third + 1
    if required == "second" or first == 0:
        return first, second + 1, 0
    return first + 1, 0, 0
