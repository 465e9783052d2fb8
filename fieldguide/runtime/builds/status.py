"""Which stages are up to date, and why the others are not."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fieldguide.runtime.builds.own_lock import seen_by_own_lock
from fieldguide.runtime.builds.repository import repository

State = Literal["up to date", "changed", "waits", "frozen"]


@dataclass(frozen=True)
class StageStatus:
    """One stage of dvc.yaml: `changed` would run now, `waits` will run because a stage before it does."""

    stage: str
    state: State
    reason: str


def stage_statuses(root: Path) -> list[StageStatus]:
    """Every stage in the order in which DVC would run them.

    Raises:
        FieldguideError: DVC cannot read the pipeline; DVC's own words.
    """
    import networkx

    logging.getLogger("dvc").setLevel(logging.ERROR)  # it would warn of each frozen stage
    with seen_by_own_lock(root), repository(root) as repo:
        changes: dict[str, list[Any]] = repo.status()
        graph = repo.index.graph
        stages = {stage.addressing: stage for stage in networkx.dfs_postorder_nodes(graph)}
        before = {name: {s.addressing for s in networkx.descendants(graph, st)} for name, st in stages.items()}
    changed = {name for name in stages if name in changes and not stages[name].frozen}
    result = []
    for name, stage in stages.items():
        waits = sorted(changed & before[name])
        if stage.frozen:
            result.append(StageStatus(name, "frozen", f"runs only when told: dvc repro --force {name}"))
        elif name in changed:
            result.append(StageStatus(name, "changed", _words(changes[name])))
        elif waits:
            result.append(StageStatus(name, "waits", f"for {', '.join(waits)}"))
        else:
            result.append(StageStatus(name, "up to date", ""))
    return result


def _words(changes: list[Any]) -> str:
    """DVC's nested account of what changed, in few words; a stage without outputs needs no further reason."""
    words = []
    for change in changes:
        if isinstance(change, str):
            words.append(change)
            continue
        for what, entries in change.items():
            if what == "changed outs" and "deleted" in entries.values():
                return "not built yet"
            for name, how in entries.items():
                inside = ", ".join(sorted(how)) if isinstance(how, dict) else name
                words.append(f"{inside} changed")
    return ", ".join(words)
