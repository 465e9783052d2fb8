"""The whole benchmark: `python -m flows.build [--force] [STAGE ...]`, one Prefect flow around one `dvc repro`.

DVC decides what has to run; this flow shows how far it is, and is the parent under which a watcher of
Prefect's pages finds the stages of one build. All stages share one Prefect server (flows/background.py).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fieldguide.errors import FieldguideError
from fieldguide.places import Places
from flows.client import background_server, supported
from flows.quiet import QUIET_ENVIRONMENT

_RUNNING = re.compile(r"^Running stage '([^']+)'")
_UNCHANGED = re.compile(r"^Stage '([^']+)' (?:didn't change|is cached|is frozen)")
# What DVC says to everyone, after every run.
_HINTS = (
    "> ", "Generating lock file", "Updating lock file", "Verifying outputs in frozen", "To track the changes",
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
        elif line.strip() and not line.startswith(
            ("> ", "Updating lock file", "Use `dvc push`", "To track the changes")
        ):
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
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            return [stage.addressing for stage in repo.index.stages if not stage.frozen]
    except DvcException as error:
        raise FieldguideError(f"dvc: {error}") from None


def release_dead_locks(root: Path) -> None:
    """Remove DVC's list of who reads and writes what, where a killed DVC left it and every process on it is gone.

    DVC itself asks the user to do so by hand. A living DVC also holds a lock that dies with it; this list does not.
    """
    import psutil  # DVC's own dependency

    path = root / ".dvc" / "tmp" / "rwlock"
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return
    writers = list(listed.get("write", {}).values())
    readers = [reader for those in listed.get("read", {}).values() for reader in those]
    processes = {entry["pid"] for entry in [*writers, *readers]}
    if processes and not any(psutil.pid_exists(process) for process in processes):
        path.unlink(missing_ok=True)


def reproduce(arguments: list[str], names: list[str], environment: dict[str, str]) -> None:
    """Run `dvc repro` and show its progress over the stages `names`.

    Raises:
        FieldguideError: a stage failed; its own words were printed above.
    """
    command = [sys.executable, "-m", "dvc", "repro", *arguments]
    progress = Progress(names)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        for line in process.stdout or ():
            for shown in progress.read(line.rstrip("\n")):
                print(shown, flush=True)
    finally:
        if process.wait() != 0:
            failed = progress.current or "dvc repro"
            raise FieldguideError(f"{failed} failed; mend what it says above and run again: what is finished is kept")
    list(progress.finish())
    print(progress.summary())


def build(arguments: list[str], root: Path | None = None) -> None:
    """Build the benchmark of a folder; `arguments` go to `dvc repro`.

    Raises:
        FieldguideError: params.yaml or the pipeline is not valid, or a stage failed.
    """
    from fieldguide.params import read_params

    root = Path.cwd() if root is None else root
    read_params(root / "params.yaml")
    release_dead_locks(root)
    names = stage_names(root)
    os.environ.update({**QUIET_ENVIRONMENT, **os.environ})
    environment = dict(os.environ)
    if not supported():
        reproduce(arguments, names, environment)
        return
    with background_server(root) as address:
        print(f"watch this build at {address.removesuffix('/api')}")
        os.environ.setdefault("PREFECT_HOME", str(Places(root).state.absolute() / "prefect"))  # as the server's own
        from prefect import flow
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from flows.tracking import without_heartbeat

        def body() -> None:  # without parameters: the environment may hold secrets, and the server records parameters
            reproduce(arguments, names, environment)

        with temporary_settings({PREFECT_API_URL: address}), without_heartbeat():
            flow(name="build", persist_result=False)(body)()


def main() -> None:
    """Build; a user's mistake is told without a traceback."""
    try:
        build(sys.argv[1:])
    except FieldguideError as error:
        sys.exit(f"build: {error}")


if __name__ == "__main__":
    main()
