"""Label Studio in a virtual environment of its own: its pins do not go together with this project's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked, sha256_file
from fieldguide.core.paths import Paths

EXECUTABLE = "FIELDGUIDE_LABEL_STUDIO"
CONSTRAINTS = Path(__file__).resolve().parent / "constraints.txt"


def label_studio(paths: Paths, say: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> Path:
    """The `label-studio` to start: the one that FIELDGUIDE_LABEL_STUDIO names, else ours, installed where it is not.

    Raises:
        FieldguideError: the named one cannot be run, or it could not be installed: pip's own words.
    """
    given = environment.get(EXECUTABLE)
    if given:
        path = Path(given).expanduser().absolute()
        if not path.is_file() or not os.access(path, os.X_OK):
            raise FieldguideError(
                f"{EXECUTABLE}: {path} is no program; name a `label-studio`, or unset it to install one"
            )
        return path
    return installed(paths.state / "label-studio", say)


def installed(venv: Path, say: Callable[[str], None]) -> Path:
    """The `label-studio` of a virtual environment, which is made anew unless it was completed with the same pins.

    Raises:
        FieldguideError: it could not be installed.
    """
    executable, stamp = venv / "bin" / "label-studio", venv / ".installed"
    with locked(venv.with_name(f"{venv.name}.lock")):
        # What an interpreter's upgrade takes away is a link that leads nowhere.
        pins = f"{sha256_file(CONSTRAINTS)} {sys.version_info.major}.{sys.version_info.minor}"
        complete = stamp.is_file() and stamp.read_text(encoding="utf-8") == pins and (venv / "bin" / "python").exists()
        if not complete:
            say(f"installing Label Studio into {venv} (about a minute)")
            _install(venv)
            stamp.write_text(pins, encoding="utf-8")
    return executable.absolute()


def _install(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    # -I: what PYTHONPATH or the working folder offers must not count as installed.
    _run([sys.executable, "-I", "-m", "venv", str(venv)])
    pip = [str(venv / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, "pip>=26,<27"])
    _run([*pip, "--constraint", str(CONSTRAINTS), "label-studio"])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = "\n".join(f"  {line}" for line in (done.stderr or done.stdout).strip().splitlines()[-8:])
        raise FieldguideError(f"Label Studio could not be installed; `{' '.join(command[1:4])} ...` said:\n{words}")
