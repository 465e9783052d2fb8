"""A Prefect data base that is migrated already: making one takes as long as a small benchmark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from fieldguide.core.files import atomic_directory, content_key, locked
from fieldguide.core.paths import Paths
from tests.conftest import REPOSITORY


def place_prefect(folder: Path) -> None:
    """Give the benchmark in `folder` the data base of a Prefect server that ran nothing; made once a version."""
    kept = Paths(REPOSITORY).cache / "prefect-tests" / content_key(prefect=version("prefect"))
    with locked(kept.with_name(f"{kept.name}.lock")):
        if not kept.exists():
            with atomic_directory(kept) as made:
                _migrate(made)
    state = Paths(folder).state
    state.mkdir(mode=0o700, exist_ok=True)
    shutil.copytree(kept, state / "prefect")


def own_environment() -> dict[str, str]:
    """This process's environment without the place of its own Prefect records: a site keeps its records in itself."""
    return {name: value for name, value in os.environ.items() if name != "PREFECT_HOME"}


def _migrate(home: Path) -> None:
    command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    environment.pop("PREFECT_API_DATABASE_CONNECTION_URL", None)
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "prefect.db").is_file()
