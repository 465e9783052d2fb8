"""What a stage is given, and what it looks like to whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent

if TYPE_CHECKING:
    from fieldguide.params import Params  # pydantic takes 0.1 s to load, and the starting process never needs it


@dataclass(frozen=True)
class Run:
    """What every stage is given."""

    params: Params
    paths: Paths = field(default_factory=Paths)
    track: Track = silent


class Runnable(Protocol):
    """A stage: its name as in dvc.yaml, and the names of the items that it takes beside the run."""

    @property
    def name(self) -> str:
        """As in dvc.yaml."""
        ...

    @property
    def items(self) -> list[str]:
        """Names of the arguments that the command line must give (the keys of dvc.yaml's matrix)."""
        ...

    def __call__(self, run: Run, *items: str) -> None:
        """Run in this process, untracked."""
        ...
