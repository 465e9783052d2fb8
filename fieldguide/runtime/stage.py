"""A stage: one Prefect flow that a line of dvc.yaml starts as `python -m flows.NAME [ITEM]`.

A stage's module holds a function of at most some 50 lines and

    @stage
    def embed(run: Run, encoder: str) -> None: ...

    if __name__ == "__main__":
        embed.main()

Importing it loads no Prefect: the process that DVC starts hands its arguments to the background process,
which has Prefect loaded and runs the flow in a fork (fieldguide/runtime/background.py says why).
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from fieldguide.runtime.run import Run

__all__ = ["Run", "Stage", "stage"]


@dataclass(frozen=True)
class Stage:
    """A stage's function with its name; `main` is what dvc.yaml starts."""

    function: Callable[..., None]

    @property
    def name(self) -> str:
        """As in dvc.yaml."""
        return self.function.__name__

    @property
    def items(self) -> list[str]:
        """Names of the arguments that the command line must give (the keys of dvc.yaml's matrix)."""
        return list(inspect.signature(self.function).parameters)[1:]

    def __call__(self, run: Run, *items: str) -> None:
        """Run in this process, untracked."""
        self.function(run, *items)

    def main(self) -> None:
        """Run as a flow, with the params.yaml of the working folder and the items of the command line."""
        from fieldguide.runtime import client

        module, arguments = f"flows.{self.name}", sys.argv[1:]
        if os.environ.get("FIELDGUIDE_BACKGROUND", "1") != "0" and client.supported():
            sys.exit(client.submit(module, arguments))
        from fieldguide.runtime.tracking import run_stage

        sys.exit(run_stage(module, arguments))


def stage(function: Callable[..., None]) -> Stage:
    """Make a stage of a function `(run, *items)`."""
    return Stage(function)
