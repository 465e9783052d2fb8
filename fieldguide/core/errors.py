"""Errors meant for people.

A `FieldguideError` is the user's to mend: the command line prints its text without a traceback.
Everything else that is raised is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fieldguide.core.interrupts import interruptible

# What the machine cannot do and its user can mend.
_OF_THE_MACHINE = {
    errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR, errno.ELOOP, errno.EMFILE, errno.ENOSPC,
    errno.EPERM, errno.EROFS,
}  # fmt: skip
_LONGEST_LINE, _MOST_LINES = 2000, 200
_PASSWORD = re.compile(r"(\w://[^/\s:@]*:)[^/\s@]+@")


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


def in_words(error: Exception) -> str | None:
    """What to print of an error that its user can mend; None for a defect of ours, which keeps its traceback.

    Lines are cut, passwords in addresses hidden, and what could steer a terminal is escaped: names and values come
    from files of others.
    """
    if isinstance(error, FieldguideError):
        return _printable(str(error))
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        place = error.filename2 or error.filename or Path.cwd()
        what = f"{place}: {error.strerror}"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            what += f"; {_free(Path(str(place)))}, and what was there before is as it was"
        return _printable(what)
    return None


@contextlib.contextmanager
def ending_in_words(command: str) -> Iterator[None]:
    """End the process with status 1 and `COMMAND: what is wrong` where `in_words` has words for an error.

    Interrupted, it ends with status 130.
    """
    try:
        with interruptible():
            yield
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        words = in_words(error)
        if words is None:
            raise
        sys.exit(f"{command}: {words}")


def _free(path: Path) -> str:
    folder = next(parent for parent in [path, *path.absolute().parents] if parent.is_dir())
    return f"{shutil.disk_usage(folder).free / 1e6:.0f} MB are free on that disk"


def _printable(text: str) -> str:
    lines = _PASSWORD.sub(r"\1***@", text).split("\n")
    more = [f"  ... and {len(lines) - _MOST_LINES} lines more"] if len(lines) > _MOST_LINES else []
    return "\n".join([*map(printable_line, lines[:_MOST_LINES]), *more])


def printable_line(text: str) -> str:
    """A text of others as one line for a terminal: what could steer it is escaped, what is too long is cut."""
    more = f" ... ({len(text):,} characters)" if len(text) > _LONGEST_LINE else ""
    shown = text[:_LONGEST_LINE]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown) + more
