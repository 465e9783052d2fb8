"""How far assessors agreed while they worked: learning, tiring and drifting show in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pandas as pd

from fieldguide.annotation.agreement.individuals import share
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import graded, votes

_WINDOWS = 12
_LEAST = 20
"""Images a window, so that its interval says something."""


def agreement_over_time(entries: Iterable[LogEntry], confidence: float) -> pd.DataFrame:
    """Share of images on which all who graded them agree, by when the last of them did; windows of equally many images.

    Args:
        entries: the log. Images that one person graded, or somebody at no known time, are left out.
        confidence: of the intervals (Wilson), 0..1.

    Returns:
        A row a window, in the order of time: first, last (UTC, ISO 8601), images, same, low, high; no row where there
        are fewer images than two windows need.
    """
    seen = []
    for pair, by in votes(entries).items():
        grades, times = graded(by), [vote.judged_at for vote in by.values() if vote.grade is not None]
        known = [datetime.fromisoformat(at).astimezone(UTC) for at in times if at is not None]
        if len(grades) > 1 and len(known) == len(times):
            seen.append((max(known), pair, len(set(grades.values())) == 1))
    seen.sort()
    count = min(_WINDOWS, len(seen) // _LEAST)
    rows = []
    for window in range(count if count > 1 else 0):
        part = seen[window * len(seen) // count : (window + 1) * len(seen) // count]
        found = share(sum(same for _, _, same in part), len(part), confidence)
        times_of = {"first": part[0][0].isoformat(), "last": part[-1][0].isoformat()}
        rows.append({**times_of, "images": len(part), "same": found.share, "low": found.low, "high": found.high})
    return pd.DataFrame(rows, columns=["first", "last", "images", "same", "low", "high"])
