"""How a build compares with a published one, printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from fieldguide.cli.views.releases.comparison import printable
from fieldguide.core.errors import FieldguideError
from fieldguide.core.grouping import grouped
from fieldguide.runtime.builds.building import benchmark_flow, start
from fieldguide.runtime.builds.own_lock import seen_by_own_lock, take_up
from fieldguide.runtime.builds.recovery import LOCK_FILE
from fieldguide.runtime.builds.status import stage_statuses
from fieldguide.runtime.rebuilding.published import put_back_lock, record_build, reproduction
from fieldguide.runtime.rebuilding.reproduction import GRADES, STATUS, Reproduction
from fieldguide.runtime.rebuilding.told import write_reproduction
from fieldguide.runtime.tables import show, show_json

_SHOWN = 8


def reproduced(
    published: str, build: bool, accept: str, html: Path | None, restore_lock: bool, record: bool, as_json: bool
) -> None:
    """The command `fieldguide reproduce`."""
    if accept not in GRADES:
        raise typer.BadParameter(f"{accept!r} is no grade; allowed: {', '.join(GRADES)}", param_hint="--accept")
    root = Path()
    if build and not start(benchmark_flow("build").build):
        raise FieldguideError("the build waits for people: nothing is compared")
    if record:  # what is recorded is committed with the dvc.lock that belongs to it
        take_up(root)
    with seen_by_own_lock(root):
        stale = [one.stage for one in stage_statuses(root) if one.state in ("changed", "waits")]
        if stale:
            raise FieldguideError(
                f"not built as it stands: {', '.join(stale)} would run; `fieldguide build`, or --build"
            )
        if record:
            folder = record_build(root)
            print(f"{folder}: recorded; commit it with dvc.lock")
            return
        compared = (root / LOCK_FILE).read_bytes()
        found = reproduction(published, root)
    show_reproduction(found, as_json)
    if html is not None:
        print(write_reproduction(found, html), file=sys.stderr)
    if restore_lock and put_back_lock(found, root, compared):
        print("dvc.lock is the committed one again; this machine's own is kept for later builds", file=sys.stderr)
    if GRADES.index(found.grade) > GRADES.index(accept):
        raise typer.Exit(STATUS[found.grade])


def show_reproduction(found: Reproduction, as_json: bool) -> None:
    """Print the grade, why bytes differ, the figures with their bounds, and what is concluded otherwise."""
    if as_json:
        first = [stage.stage for stage in found.stages if stage.first]
        show_json({"grade": found.grade, "words": found.words, "first": first, **asdict(found)})
        return
    print(f"held against {found.published}: {found.words}")
    if found.differing:
        print(_differing(found.differing))
    for reason in found.reasons[:_SHOWN]:
        print(f"  {printable(reason, 400)}")
    if len(found.reasons) > _SHOWN:
        print(f"  and {len(found.reasons) - _SHOWN:,} more (--json)")
    if not found.differing:
        _environments(found)
    if found.figures:
        show(found.distances, ("what", "value", "bound", "near", "at", "compared", "missing"))
    for one in found.conclusions:
        if not one.holds:
            print(printable(f"otherwise: {one.about}, {one.where}: {one.text}", 400))
    kept = sum(one.holds for one in found.conclusions)
    if found.conclusions:
        print(f"{kept} of {len(found.conclusions)} conclusions are the same")


def _environments(found: Reproduction) -> None:
    for difference, stages in grouped((d, s) for s, ds in found.environments.items() for d in ds).items():
        print(f"  the same, though {printable(difference)} ({len(stages)} stages)")


def _differing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"other bytes: {', '.join(names[:_SHOWN])}{more}"
