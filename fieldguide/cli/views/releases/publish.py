"""What `fieldguide release publish` prints."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import typer

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.publishing.release.publish.destinations.named import destination
from fieldguide.publishing.release.publish.files import release_files
from fieldguide.publishing.release.publish.leaks.kinds import without
from fieldguide.publishing.release.publish.leaks.machine import kinds_here
from fieldguide.publishing.release.publish.publishing import (
    PlannedFile,
    PublishPlan,
    plan_publishing,
    publish,
    size_text,
)
from fieldguide.publishing.release.publish.refusals import refusals
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.tables import show, show_json

_MOST = 100
"""Reasons that are printed; JSON has all."""


def publish_release(folder: Path, to: str, agreed: Set[str], locations: bool, dry_run: bool, as_json: bool) -> None:
    """Plan, refuse or send, and say so.

    Raises:
        ProblemsError: all reasons for which it is refused.
        FieldguideError: no release, no such place, or the place was lost.
    """
    if not folder.is_dir():
        raise FieldguideError(f"{folder}: no such folder; `fieldguide build release` makes data/release")
    place = destination(to, folder)
    files = release_files(folder)
    refused = list(refusals(folder, files, agreed, locations, show_progress))
    plan = plan_publishing(files, place)
    refused += plan.refused
    if dry_run or (as_json and refused):
        _show(plan, refused, dry_run, as_json)
    elif refused:
        raise ProblemsError(f"{folder} is not published to {plan.title}:", refused, shown=_MOST)
    elif plan.unasked:
        raise FieldguideError(f"{plan.unasked}\n  nothing had been sent")
    else:
        publish(plan, place, show_progress)
        _done(plan, as_json)


def _show(plan: PublishPlan, refused: Sequence[Problem], dry_run: bool, as_json: bool) -> None:
    if as_json:
        show_json(_document(plan, refused, dry_run))
        if refused:
            raise typer.Exit(1)
        return
    kinds = kinds_here(os.environ, Path.cwd())
    rows = [
        PlannedFile(without(file.name, kinds), file.size, "to send" if file.name in plan.differing else "there")
        for file in plan.files
    ]
    show(rows, ("file", "bytes", "state"))
    for name in plan.gone:
        print(f"would be removed there, since it is of an older version: {without(name, kinds)}")
    print(f"{_what(plan)}: {_sizes(plan)}")
    for line in filter(None, (plan.unasked and f"what is there was not asked: {plan.unasked}", plan.note)):
        print(line)
    if refused:
        raise ProblemsError("would be refused:", refused, shown=_MOST)
    print(f"nothing was sent; {'of the release itself ' if plan.unasked else ''}nothing would be refused")


def _done(plan: PublishPlan, as_json: bool) -> None:
    if as_json:
        show_json(_document(plan, (), False))
        return
    sent = plan.to_send
    if not sent:
        print(f"{_what(plan)}: all {len(plan.files)} files are there already; nothing was sent")
        return
    removed = f"; {len(plan.gone)} files of an older version were removed" if plan.gone else ""
    print(f"{_what(plan)}: {_sizes(plan).replace('to send', 'were sent')}{removed}")
    if plan.note:
        print(plan.note)


def _what(plan: PublishPlan) -> str:
    return f"{plan.name} {plan.version} to {plan.title}"


def _sizes(plan: PublishPlan) -> str:
    total, sent = (size_text(sum(file.size for file in files)) for files in (plan.files, plan.to_send))
    return f"{len(plan.files)} files, {total}; {len(plan.to_send)} to send, {sent}"


def _document(plan: PublishPlan, refused: Sequence[Problem], dry_run: bool) -> dict[str, Any]:
    return {
        "to": plan.title, "name": plan.name, "version": plan.version, "dry_run": dry_run,
        "published": not dry_run and not refused,
        "files": [
            {"name": file.name, "bytes": file.size, "sha256": file.sha256, "differs": file.name in plan.differing}
            for file in plan.files
        ],
        "bytes": sum(file.size for file in plan.files), "bytes_to_send": sum(file.size for file in plan.to_send),
        "removed": list(plan.gone), "unasked": plan.unasked or None,
        "refused": [{"where": problem.where, "what": problem.what} for problem in refused],
    }  # fmt: skip
