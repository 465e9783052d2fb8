"""A build: one at a time in a folder, under one Prefect server, with a step that waits where people judge."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fieldguide.annotation.lock import judgments_locked
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.interrupts import interruptible
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.params.document import left_out
from fieldguide.params.ready import unready
from fieldguide.projects.project import keep_in_step
from fieldguide.runtime.builds.own_lock import own_lock
from fieldguide.runtime.builds.recovery import mend_lock_file, remove_torn_rwlock
from fieldguide.runtime.builds.repository import one_build
from fieldguide.runtime.builds.repro import Progress, needs, reproduce, stage_names
from fieldguide.runtime.builds.server import report_crashes, server, tracking, without_heartbeat
from fieldguide.runtime.builds.waiting import Patience, judged_enough
from fieldguide.runtime.progress import show_progress


def benchmark_flow(name: str) -> Any:
    """A module of the benchmark's own `flows/`, in the working folder.

    Raises:
        FieldguideError: there is none.
    """
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(f"flows.{name}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("flows"):
            raise
        raise FieldguideError(f"flows/{name}.py: no such file; run from the root of a benchmark's repository") from None


def start(flow: Callable[..., bool], **given: Any) -> bool:
    """Run the build's flow under a Prefect server of its own (or that of PREFECT_API_URL); what it returns.

    Untracked where FIELDGUIDE_TRACK is 0, or nothing would run.

    Raises:
        FieldguideError: as `built`; what params.yaml asks for cannot be used; or the server does not start.
    """
    params = read_params()
    if keep_in_step(Path.cwd(), params):
        print("dvc.yaml: brought in step with params.yaml", flush=True)
    problems = unready(params, Path.cwd())  # told before a server starts
    if problems:
        raise ProblemsError("the benchmark cannot be built as it is:", problems)
    for name, lack in left_out(params).items():
        print(f"left out: system {name} {lack}", flush=True)
    try:
        with interruptible(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if os.environ.get("FIELDGUIDE_TRACK") == "0" or given.get("dry"):
                return bool(flow.fn(**given))  # type: ignore[attr-defined]
            with serving(Path.cwd()), without_heartbeat():
                return flow(**given)
    except KeyboardInterrupt:
        raise FieldguideError("interrupted; what was finished is kept: run it again to go on") from None


@contextlib.contextmanager
def serving(root: Path) -> Iterator[None]:
    """A Prefect server, used by this process and all that it starts; its pages' address is printed."""
    with server(root) as address, tracking(address):
        print(f"watch this build at {address.removesuffix('/api')}", flush=True)
        with contextlib.suppress(FieldguideError), one_build(root):  # where another one runs, its runs do too
            report_crashes()
        yield


def built(stages: Sequence[str], patience: Patience, dry: bool = False) -> bool:
    """Carry the build of the working folder as far as people let it.

    Returns:
        False if it waits for people, and is to be run again.

    Raises:
        FieldguideError: params.yaml or the pipeline is not valid, a stage failed, people could not be asked, or a
            build is running.
    """
    root = Path.cwd()
    params = read_params(root / "params.yaml")
    with one_build(root):
        remove_torn_rwlock(root)
        mended = mend_lock_file(root)
        if mended:
            print(mended, flush=True)
        with own_lock(root):
            return _carried(root, params, stages, patience, dry)


def _carried(root: Path, params: Params, stages: Sequence[str], patience: Patience, dry: bool) -> bool:
    """As `built`, in a folder that is ready for it."""
    arguments = [*(["--dry"] if dry else []), *stages]
    names = stage_names(root)
    if dry or params.adjudicate.judge != "log" or not needs(root, stages, "adjudicate"):
        _reproduced(arguments, names)
        return True
    reproduce(["pool"], Progress(names))
    if not judged_enough(params, Paths(), patience, show_progress):
        return False
    # Nobody adds judgments meanwhile: DVC would record a log that its qrels do not know.
    with judgments_locked(Paths(), wait=True):
        _reproduced(arguments, names)
    return True


def _reproduced(arguments: Sequence[str], names: list[str]) -> None:
    progress = Progress(names)
    reproduce(list(arguments), progress)
    print(progress.summary())
