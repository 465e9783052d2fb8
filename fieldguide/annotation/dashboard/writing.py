"""The page for whoever serves it, and the page and its tables in a folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fieldguide.annotation.correspondence import log as correspondence
from fieldguide.annotation.correspondence.log import Line
from fieldguide.annotation.dashboard.figures import DashboardFigures, dashboard_figures
from fieldguide.annotation.dashboard.pictures import Thumbnails
from fieldguide.annotation.dashboard.rendering import page_html
from fieldguide.annotation.dashboard.tables import (
    HOURS,
    JUDGMENTS,
    QUESTIONS,
    hours_rows,
    judgment_rows,
    question_rows,
    write_csv,
)
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.progress.snapshot import Snapshot
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, private_folder

PAGE = "index.html"
TABLES = ("hours.csv", "judgments.csv", "questions.csv")

Look = Callable[[], tuple[Snapshot, tuple[Line, ...]]]
"""Gives plan and log, and the lines of correspondence.jsonl, of one moment."""


def looking(annotation: Annotation) -> Look:
    """Reads the files anew at each look.

    Raises (the look):
        FieldguideError: the log's or the correspondence's chain is broken, or plan or guidelines are none.
    """
    return lambda: (annotation.now(), correspondence.read(annotation.paths.correspondence))


@dataclass
class ServedDashboard:
    """The page as text, made anew only where what it shows has changed. May be called by several threads."""

    look: Look
    benchmark: str
    pictures: Thumbnails
    _last: tuple[Snapshot, tuple[Line, ...]] | None = None
    _html: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> str:
        """The page."""
        with self._lock:
            now, lines = self.look()
            if self._last is None or self._last[0] is not now or self._last[1] is not lines:
                figures = dashboard_figures(now, lines, self.benchmark)
                self._html, self._last = page_html(figures, self.pictures.address), (now, lines)
            return self._html


def write_dashboard(look: Look, benchmark: str, folder: Path, pictures: Thumbnails) -> DashboardFigures:
    """Write index.html and its tables into a folder, each whole or not at all; the page last.

    Raises:
        FieldguideError: what cannot be read, or as `require_ours`.
    """
    require_ours(folder)
    now, lines = look()
    figures = dashboard_figures(now, lines, benchmark)
    html = page_html(figures, pictures.address, TABLES)
    if not folder.exists():
        private_folder(folder)
    write_csv(folder / "hours.csv", HOURS, hours_rows(figures.days))
    write_csv(folder / "judgments.csv", JUDGMENTS, judgment_rows(now.entries))
    write_csv(folder / "questions.csv", QUESTIONS, question_rows(figures.questions))
    with atomic_open(folder / PAGE) as stream:
        stream.write(html)
    return figures


def require_ours(folder: Path) -> None:
    """Refuse a folder that holds something else: a page or a table of the user's would be written over.

    Raises:
        FieldguideError: it does, or it is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise FieldguideError(f"{folder}: is no folder; name one that is not there, or one that this command wrote")
    there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    other = [name for name in there if name not in (PAGE, *TABLES) and not name.endswith(".tmp")]
    if other:
        raise FieldguideError(
            f"{folder}: holds {other[0]}; name a folder that is not there, or one that this command wrote"
        )
