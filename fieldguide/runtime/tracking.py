"""Running a stage as a Prefect flow: parameters read, lock held, progress shown, output also sent to the server."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from pathlib import Path
from typing import Any, TextIO, TypeVar
from uuid import UUID

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths
from fieldguide.params import read_params
from fieldguide.runtime.quiet import QUIET_ENVIRONMENT
from fieldguide.runtime.run import Run, Runnable

T = TypeVar("T")


def run_stage(module: str, arguments: list[str], server_ready: Callable[[], None] = lambda: None) -> int:
    """Run the stage of `module` as a flow of this process. Returns the exit status: 0, 1, 2 for usage, 130 interrupted.

    `server_ready` returns when the Prefect server answers, and is called as late as possible. A
    `FieldguideError` is printed without a traceback; anything else is a defect and keeps its own.
    """
    stage: Runnable = getattr(importlib.import_module(module), module.rpartition(".")[2])
    if len(arguments) != len(stage.items):
        print(f"usage: python -m {module} {' '.join(item.upper() for item in stage.items)}".rstrip(), file=sys.stderr)
        return 2
    try:
        _run_flow(stage, arguments, server_ready)
    except FieldguideError as error:
        print(f"{stage.name}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has enough of it (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
        return 1
    except KeyboardInterrupt:
        print(f"{stage.name}: interrupted; what was finished is kept", file=sys.stderr)
        return 130
    return 0


def _run_flow(stage: Runnable, arguments: list[str], server_ready: Callable[[], None]) -> None:
    params, paths = read_params(Path("params.yaml")), Paths()
    run = Run(params, paths, show_progress)
    label = "-".join([stage.name, *arguments])
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with locked(paths.state / "locks" / f"{label}.lock"):
        if os.environ.get("FIELDGUIDE_TRACK", "1") == "0":
            stage(run, *arguments)
            return
        server_ready()
        from prefect import flow

        def body(**items: str) -> None:
            with _recorded(paths), _Echo(sys.stdout):
                stage(run, *items.values())

        tracked: Any = flow(name=stage.name, flow_run_name=label, validate_parameters=False, persist_result=False)(body)
        with without_heartbeat():
            tracked(**dict(zip(stage.items, arguments, strict=True)))


@contextlib.contextmanager
def without_heartbeat() -> Iterator[None]:
    """Flows send no heartbeat: joining its thread would take each of them a second."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    if PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value() is None:
        yield
    else:
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield


@contextlib.contextmanager
def _recorded(paths: Paths) -> Iterator[None]:
    """Keep the flow run's id in a file named after this process for as long as it runs, see `report_crashes`."""
    from prefect.runtime import flow_run

    note = paths.state / "runs" / str(os.getpid())
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(str(flow_run.id))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def report_crashes(paths: Paths) -> None:
    """Tell the Prefect server of flow runs whose process was killed; it would take them for running ever after."""
    notes = [n for n in (paths.state / "runs").glob("*") if not Path("/proc", n.name).exists()]
    if not notes:
        return
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    with get_client(sync_client=True) as client:
        for note in notes:
            with contextlib.suppress(ValueError, ObjectNotFound):  # a torn note, or another server's run
                client.set_flow_run_state(UUID(note.read_text()), Crashed(message="its process was killed"), force=True)
            note.unlink(missing_ok=True)


class _Echo(io.TextIOBase):
    """Standard output whose lines also become the flow run's log, so that they can be read in Prefect's pages."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.line = ""

    def __enter__(self) -> _Echo:
        sys.stdout = self
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout = self.stream

    def write(self, text: str) -> int:
        self.stream.write(text)
        *lines, self.line = (self.line + text).split("\n")
        for line in filter(None, lines):
            _log(line)
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()


def _log(line: str) -> None:
    from prefect.logging import get_run_logger

    get_run_logger().info(line)


def show_progress(items: Iterable[T], what: str, *, unit: str = "", total: int | None = None) -> Iterator[T]:
    """A progress bar with rate on a terminal; elsewhere nothing, since stages print their counts."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.1f} {unit}/s" if task.speed else "")

    if total is None and isinstance(items, Sized):
        total = len(items)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)
