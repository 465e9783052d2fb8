"""Steps run in this process: the body of a flow with the sections that it asks for, in the folder of a benchmark."""

from __future__ import annotations

import contextlib
from typing import Any

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime.step import parameters


def run_step(step: Any, params: Params, paths: Paths, *items: str) -> None:
    """Run a flow of flows/ untracked."""
    with contextlib.chdir(paths.root):
        step.fn(**parameters(step, params, list(items)))
