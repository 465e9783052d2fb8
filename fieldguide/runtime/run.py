"""What whoever asks people is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent

if TYPE_CHECKING:
    from fieldguide.params import Params  # pydantic takes 0.1 s to load, and the starting process never needs it


@dataclass(frozen=True)
class Run:
    """Parameters, paths and a progress bar."""

    params: Params
    paths: Paths = field(default_factory=Paths)
    track: Track = silent
