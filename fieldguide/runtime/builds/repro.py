"""`dvc repro` with its progress shown, and what DVC's pipeline says of itself."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.runtime.builds.recovery import forget_lock_file, keep_lock_file
from fieldguide.runtime.builds.repository import repository
from fieldguide.runtime.process import die_with_parent, end_group

_RUNNING = re.compile(r"^Running stage '([^']+)'")
_UNCHANGED = re.compile(r"^Stage '([^']+)' (?:didn't change|is cached|is frozen)")
# Said when a stage has ended well: an error after it is not that stage's.
_DONE = ("Generating lock file", "Updating lock file")
# What DVC says to everyone, after every run.
_HINTS = (
    "> ", "Verifying outputs in frozen", "To track the changes",
    "git add ", "To enable auto staging", "dvc config core.autostage", "Use `dvc push`",
)  # fmt: skip


@dataclass
class Progress:
    """Turns DVC's lines into one line a stage with its number and its seconds."""

    names: list[str]
    seen: list[str] = field(default_factory=list)
    ran: dict[str, float] = field(default_factory=dict)
    current: str | None = None
    started: float = 0.0

    def read(self, line: str) -> Iterator[str]:
        """What to print for one line of DVC's output."""
        running, unchanged = _RUNNING.match(line), _UNCHANGED.match(line)
        if running:
            yield from self.finish()
            self.current, self.started = running[1], time.monotonic()
            self._see(running[1])
            yield f"[{len(self.seen)}/{len(self.names)}] {running[1]}"
        elif unchanged:
            yield from self.finish()
            self._see(unchanged[1])
        elif line.startswith(_DONE):
            yield from self.finish()
        elif line.strip() and not line.strip().startswith(_HINTS):
            yield f"    {line}"

    def _see(self, name: str) -> None:
        if name in self.names and name not in self.seen:
            self.seen.append(name)

    def finish(self) -> Iterator[str]:
        """The stage that ran until now is over."""
        if self.current is not None:
            self.ran[self.current] = time.monotonic() - self.started
            self.current = None
        yield from ()

    def summary(self) -> str:
        """How many stages ran, and the slowest of them."""
        slowest = sorted(self.ran.items(), key=lambda item: -item[1])[:3]
        words = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest)
        return f"{len(self.ran)} of {len(self.names)} stages ran" + (f" (slowest: {words})" if words else "")


def stage_names(root: Path) -> list[str]:
    """All stages of dvc.yaml, matrix items apart, frozen ones left out.

    Raises:
        FieldguideError: DVC cannot read the pipeline; DVC's own words.
    """
    with repository(root) as repo:
        return [stage.addressing for stage in repo.index.stages if not stage.frozen]


def needs(root: Path, targets: Iterable[str], stage: str) -> bool:
    """Whether a repro of `targets` (all stages if there are none) runs `stage` where it is not up to date.

    A target is a stage, or the name that the items of a matrix share. What is neither (a file, a folder)
    counts as needing it.

    Raises:
        FieldguideError: as `stage_names`.
    """
    import networkx

    named = set(targets)
    with repository(root) as repo:
        graph = repo.index.graph
        chosen = {s for s in graph if {s.addressing, s.addressing.partition("@")[0]} & named}
        known = {name for s in chosen for name in (s.addressing, s.addressing.partition("@")[0])}
        before = {b.addressing for s in chosen for b in networkx.descendants(graph, s)}
    return not named or not named <= known or stage in before | {s.addressing for s in chosen}


def reproduce(arguments: list[str], progress: Progress) -> None:
    """Run `dvc repro`, show its progress, and add to `progress` what ran.

    Raises:
        FieldguideError: a stage failed; its own words were printed above.
    """
    command = [sys.executable, "-m", "dvc", "repro", *arguments]
    keep_lock_file(Path())
    # A group of its own, so that ending it ends the stage too; and it dies with the build, however that ends.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )
    try:
        for line in process.stdout or ():
            for shown in progress.read(line.rstrip("\n")):
                print(shown, flush=True)
        status = process.wait()
    except BaseException:
        end_group(process)
        raise
    if status >= 0:  # DVC ended by itself
        forget_lock_file(Path())
    if status < 0:
        raise FieldguideError(f"DVC was killed (signal {-status}); run it again: what is finished is kept")
    if status != 0:
        failed = progress.current or "dvc repro"
        raise FieldguideError(f"{failed} failed; mend what it says above and run again: what is finished is kept")
    list(progress.finish())
