"""Errors meant for people.

A `FieldguideError` is the user's to mend: the command line prints its text without a traceback.
Everything else that is raised is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class FieldguideError(Exception):
    """What is wrong, where, what is allowed, what to do. Printed as it stands."""


@dataclass(frozen=True)
class Problem:
    """One thing a user has to mend.

    `where` names the place (file, line, key, row id); `what` says what is wrong, what was found
    and what is allowed.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ProblemsError(FieldguideError):
    """All problems of one input at once, so that they need not be mended one by one."""

    def __init__(self, headline: str, problems: Iterable[Problem], shown: int = 20) -> None:
        self.headline = headline
        self.problems = list(problems)
        lines = [f"  {problem}" for problem in self.problems[:shown]]
        if len(self.problems) > shown:
            lines.append(f"  ... and {len(self.problems) - shown} more")
        super().__init__("\n".join([headline, *lines]))
