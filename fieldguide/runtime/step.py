"""Running a step: `exec python -m flows.NAME`, as dvc.yaml starts it.

A step is a Prefect flow whose parameters are sections of params.yaml, by name (`params`: all of them). With
PREFECT_API_URL set, as `fieldguide build` sets it, it runs as a tracked flow run; else its body runs untracked.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from fieldguide.core.errors import FieldguideError, in_words
from fieldguide.core.files import locked
from fieldguide.core.interrupts import interruptible
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.runtime.fanout import task_runner
from fieldguide.runtime.process import die_with_parent
from fieldguide.runtime.rebuilding.environment import remember_environment

if TYPE_CHECKING:
    from prefect import Flow


def run(step: Flow[..., None]) -> NoReturn:
    """Run a step and exit: 0, 1 for a user's mistake (told without a traceback), 130 if interrupted."""
    die_with_parent()  # a killed DVC must not leave a step behind that writes while the next one runs
    sys.exit(_status(step))


def once(work: Any, *args: Any) -> Any:
    """A task run here and now: by Prefect inside a flow run, by itself in an untracked step."""
    from prefect.context import FlowRunContext

    return work(*args) if FlowRunContext.get() is not None else work.fn(*args)


def _status(step: Flow[..., None]) -> int:
    try:
        with interruptible():  # flows/__init__.py has another way while it imports
            params = read_params()
            given = parameters(step, params, sys.argv[1:])
            item = "-".join([step.name, *(value for value in given.values() if isinstance(value, str))])
            with locked(Paths().state / "locks" / f"{item}.lock"):
                _call(step, params, given)
                remember_environment(Paths(), item)
    except BrokenPipeError:  # whoever read the output has enough of it (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
        return 1
    except KeyboardInterrupt:
        print(f"{step.name}: interrupted; what was finished is kept", file=sys.stderr)
        return 130
    except Exception as error:
        words = in_words(error)
        if words is None:
            raise
        print(f"{step.name}: {words}", file=sys.stderr)
        return 1
    return 0


def parameters(step: Flow[..., None], params: Params, arguments: list[str]) -> dict[str, Any]:
    """What a step's flow is called with: sections of params.yaml by name, `params`, and the items of a matrix.

    Raises:
        FieldguideError: not just as many items are given.
    """
    names = list(inspect.signature(step.fn).parameters)
    items = [name for name in names if name != "params" and name not in type(params).model_fields]
    if len(arguments) != len(items):
        raise FieldguideError(f"usage: python -m flows.{step.name} {' '.join(map(str.upper, items))}".rstrip())
    sections = {n: params if n == "params" else getattr(params, n) for n in names if n not in items}
    return sections | dict(zip(items, arguments, strict=True))


def _call(step: Flow[..., None], params: Params, given: dict[str, Any]) -> None:
    if "PREFECT_API_URL" not in os.environ or os.environ.get("FIELDGUIDE_TRACK") == "0":
        if "FIELDGUIDE_TRACK" not in os.environ:
            print("not tracked: PREFECT_API_URL is not set (`fieldguide build` sets it)", flush=True)
        step.fn(**given)
        return
    from fieldguide.runtime.builds.server import require, without_heartbeat

    require(os.environ["PREFECT_API_URL"])
    with without_heartbeat(), contextlib.redirect_stdout(_Echo(sys.stdout)):
        step.with_options(task_runner=task_runner(params.task_runner))(**given)


class _Echo(io.TextIOBase):
    """Standard output whose lines also become the flow run's log, so that they can be read in Prefect's pages.

    Prefect's own `log_prints` would show them on the terminal with its prefix, or not at all.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.line = ""

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
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    with contextlib.suppress(MissingContextError):
        get_run_logger().info(line)
