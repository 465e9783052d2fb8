"""A stage: one Prefect flow that a line of dvc.yaml starts as `python -m flows.NAME [ITEM]`.

A stage's module holds a function of at most some 50 lines and

    @stage
    def embed(run: Run, encoder: str) -> None: ...

    if __name__ == "__main__":
        embed.main()
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fieldguide.errors import FieldguideError
from fieldguide.params import Params, read_params
from fieldguide.places import Places
from fieldguide.progress import Track, silent


@dataclass(frozen=True)
class Run:
    """What every stage is given."""

    params: Params
    places: Places = field(default_factory=Places)
    track: Track = silent


@dataclass(frozen=True)
class Stage:
    """A stage's function with its name; `main` is what dvc.yaml starts."""

    function: Callable[..., None]

    @property
    def name(self) -> str:
        """As in dvc.yaml."""
        return self.function.__name__

    def __call__(self, run: Run, *items: str) -> None:
        """Run in this process, untracked."""
        self.function(run, *items)

    def main(self) -> None:
        """Run with params.yaml of the working folder and the items of the command line."""
        wanted = list(inspect.signature(self.function).parameters)[1:]
        items = sys.argv[1:]
        try:
            if len(items) != len(wanted):
                raise FieldguideError(f"usage: python -m flows.{self.name} {' '.join(w.upper() for w in wanted)}")
            self(Run(read_params(Path("params.yaml"))), *items)
        except FieldguideError as error:
            sys.exit(f"{self.name}: {error}")


def stage(function: Callable[..., None]) -> Stage:
    """Make a stage of a function `(run, *items)`."""
    return Stage(function)
