"""`fieldguide annotate dashboard`: where the page is written, how often, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fieldguide.annotation.dashboard.figures import DashboardFigures, dashboard_figures
from fieldguide.annotation.dashboard.pictures import Thumbnails
from fieldguide.annotation.dashboard.writing import PAGE, looking, write_dashboard
from fieldguide.annotation.manager import Annotation
from fieldguide.core.interrupts import interruptible
from fieldguide.runtime.tables import show_json


def show(annotation: Annotation, to: Path | None, *, as_json: bool) -> None:
    """Write the page once; as JSON print the figures, and write where a folder is named."""
    if as_json and to is None:
        show_json(dashboard_figures(*looking(annotation)(), annotation.benchmark))
        return
    folder = _folder(annotation, to)
    figures = write_dashboard(looking(annotation), annotation.benchmark, folder, Thumbnails(annotation.paths))
    if as_json:
        show_json(figures)
    else:
        print(f"{folder / PAGE}: {_words(figures)}")


def write_again_and_again(read: Callable[[], Annotation], to: Path | None, every: float) -> None:
    """Write the page every so many seconds until Ctrl-C, by params.yaml as it is then; say what is news only."""
    annotation = read()
    pictures, said = Thumbnails(annotation.paths), ""
    try:
        with interruptible():
            while True:
                folder = _folder(annotation, to)
                words = _words(write_dashboard(looking(annotation), annotation.benchmark, folder, pictures))
                if words != said:
                    print(f"{folder / PAGE}: {words}", flush=True)
                said = words
                time.sleep(every)
                annotation = read()
    except KeyboardInterrupt:
        print("ended; the page stays as it is")


def _folder(annotation: Annotation, to: Path | None) -> Path:
    """By default one that its owner alone may enter: it names people and their hours."""
    return to or annotation.paths.annotation_state / "dashboard"


def _words(figures: DashboardFigures) -> str:
    hours = sum(day.hours for day in figures.days)
    left = f"{hours:.1f} hours so far, {figures.estimate.hours_left:.1f} left"
    waiting = sum(thread.open for thread in figures.questions)
    asked = f", {waiting} questions open" if waiting else ""
    return f"{figures.coverage.judged} of {figures.coverage.asked} judgments, {left}{asked}"
