"""One command at a time in a benchmark's folder.

Two would plan or append on what the other has just changed, and a pull beside a running `adjudicate` would have DVC
record a log that its qrels do not know.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from fieldguide.core.files import locked
from fieldguide.core.paths import Paths


def serving_locked(paths: Paths) -> AbstractContextManager[None]:
    """Held while the pages of assessors are served: one server a benchmark, and none while projects are closed.

    Raises:
        FieldguideError: they are served.
    """
    busy = "`fieldguide annotate serve` is running in this folder; end it first (Ctrl-C)"
    return locked(paths.state / "locks" / "serving.lock", wait=False, busy=busy)


def judgments_locked(paths: Paths, *, wait: bool = False) -> AbstractContextManager[None]:
    """Keep every other command away from the judgments of this folder; `wait` for one that is at work to end.

    Raises:
        FieldguideError: one is at work.
    """
    busy = (
        "another `fieldguide annotate`, or a build that uses the judgments, is at work in this folder; "
        "do this again when it has ended"
    )
    return locked(paths.state / "locks" / "judgments.lock", wait=wait, busy=busy)
