"""The whole benchmark: `python -m flows.build [--force] [STAGE ...]`, one Prefect flow around `dvc repro`.

DVC decides what has to run; this flow shows how far it is, and is the parent under which a watcher of
Prefect's pages finds the stages of one build. All stages share one Prefect server (fieldguide/runtime/background.py).
Where people judge (adjudicate.judge is `log`), the build has a step that waits for them (runtime/people/waiting.py).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.runtime.client import background_server, supported
from fieldguide.runtime.killed import mend_lock_file, release_dead_locks
from fieldguide.runtime.people.waiting import Patience, wait_for_people
from fieldguide.runtime.quiet import QUIET_ENVIRONMENT
from fieldguide.runtime.repro import Progress, needs, reproduce, stage_names
from fieldguide.runtime.run import Run


@dataclass
class Machines:
    """The part of a build that needs nobody: `dvc repro` of a folder, up to some stages or of `arguments`."""

    arguments: list[str]
    names: list[str]
    environment: dict[str, str]
    done: set[str] = field(default_factory=set)

    def up_to(self, stage: str) -> None:
        """Run what `stage` needs, and it. Once a build: what is written meanwhile is not ours."""
        if stage not in self.done:
            reproduce([stage], Progress(self.names), self.environment)
            self.done.add(stage)

    def all(self) -> None:
        """Run what was asked for, and say what ran. Without parameters: Prefect's server records those."""
        progress = Progress(self.names)
        reproduce(self.arguments, progress, self.environment)
        print(progress.summary())


def build(arguments: list[str], root: Path | None = None, patience: Patience | None = None) -> bool:
    """Build the benchmark of a folder; `arguments` go to `dvc repro`.

    Returns:
        False if the build waits for people, and is to be run again.

    Raises:
        FieldguideError: params.yaml or the pipeline is not valid, a stage failed, or a build is running.
    """
    root = Path.cwd() if root is None else root
    params = read_params(root / "params.yaml")
    release_dead_locks(root)
    mended = mend_lock_file(root)
    if mended:
        print(mended, flush=True)
    os.environ.update({**QUIET_ENVIRONMENT, **os.environ})
    machines = Machines(arguments, stage_names(root), dict(os.environ))
    if not _asks_people(params, arguments, root):
        if not supported():
            machines.all()
            return True
        with _one_build(root), _prefect(root):
            from prefect import flow

            flow(name="build", persist_result=False)(machines.all)()
        return True
    if not supported():
        raise FieldguideError("a build that waits for people needs Linux; use `fieldguide annotate` and `dvc repro`")
    with _one_build(root), _prefect(root):
        from fieldguide.runtime.tracking import show_progress

        return wait_for_people(Run(params, Paths(root), show_progress), machines, patience or Patience())


def _asks_people(params: Params, arguments: list[str], root: Path) -> bool:
    """Whether grades come from people's log, and are wanted."""
    if params.adjudicate.judge != "log" or "--dry" in arguments:
        return False
    return needs(root, [a for a in arguments if not a.startswith("-")], "adjudicate")


@contextlib.contextmanager
def _one_build(root: Path) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(Paths(root).state / "locks" / "build.lock", wait=False))
        except FieldguideError:
            raise FieldguideError("another build of this folder is running; wait for it or end it") from None
        yield


@contextlib.contextmanager
def _prefect(root: Path) -> Iterator[None]:
    """The background Prefect server, in use."""
    with background_server(root) as address:
        print(f"watch this build at {address.removesuffix('/api')}", flush=True)
        os.environ.setdefault("PREFECT_HOME", str(Paths(root).state.absolute() / "prefect"))  # as the server's own
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from fieldguide.runtime.tracking import without_heartbeat

        with temporary_settings({PREFECT_API_URL: address}), without_heartbeat():
            yield


def main() -> None:
    """Build; a user's mistake is told without a traceback."""
    try:
        finished = build(sys.argv[1:])
    except FieldguideError as error:
        sys.exit(f"build: {error}")
    sys.exit(None if finished else Patience.EXIT_WAITS)


if __name__ == "__main__":
    main()
