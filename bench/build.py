"""`python -m bench.build`: what `fieldguide build` costs beyond the work itself, in seconds, in one run.

The example is built twice in a folder of its own: the bodies of its flows are called one after the other in one
process; then `fieldguide build` runs it, with a process a step, Prefect and DVC. Both find what the library keeps of
finished work (.fieldguide/cache: vectors, drawings, runs) and neither finds outputs, so that the same is done twice.
A build before the two fills what is not kept yet.

Wall seconds are those of an idle machine only; processor seconds say what was done, Prefect's server on another core
included. `make demo` first.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
_CODE = ("annotation", "bench", "fieldguide", "flows")
_FILES = ("params.yaml", "dvc.yaml", ".dvcignore", ".gitignore")
_GIVEN = ("calls", "external", "input", "knowledge", "models")


def bodies() -> None:
    """Call the body of every stage's flow in the working folder, in the order in which DVC runs them."""
    from fieldguide.params import read_params
    from fieldguide.runtime.builds.repro import stage_names
    from fieldguide.runtime.step import parameters

    params = read_params()
    for stage in stage_names(Path.cwd()):
        name, _, item = stage.partition("@")
        step = getattr(importlib.import_module(f"flows.{name}"), name)
        step.fn(**parameters(step, params, [item] if item else []))


def folder_of_its_own(folder: Path) -> None:
    """What a clone holds with its inputs, and what this repository keeps of finished work; no outputs."""
    for part in _CODE:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, folder)
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))
    locked["stages"] = {name: stage for name, stage in locked["stages"].items() if "deps" not in stage}
    (folder / "dvc.lock").write_text(yaml.safe_dump(locked, sort_keys=False), encoding="utf-8")
    for name in _GIVEN:
        if (ROOT / "data" / name).exists():
            shutil.copytree((ROOT / "data" / name).resolve(), folder / "data" / name)
    with contextlib.suppress(FileNotFoundError):
        shutil.copytree(ROOT / ".fieldguide" / "cache", folder / ".fieldguide" / "cache")
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=folder, check=True)


def clear(folder: Path) -> None:
    """Remove every output."""
    for path in (folder / "data").iterdir():
        if path.name not in _GIVEN:
            shutil.rmtree(path)


def cost(folder: Path, *command: str) -> tuple[float, float]:
    """(wall, processor) seconds of a Python module and all that it starts, with nothing built before."""
    clear(folder)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder)}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print both, their difference and their ratio."""
    if sys.argv[1:] == ["bodies"]:
        bodies()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder_of_its_own(folder)
        cost(folder, "bench.build", "bodies")  # from here on all that can be kept is kept
        work = cost(folder, "bench.build", "bodies")
        whole = cost(folder, "flows.build")
    print(f"{'seconds':<12}{'fieldguide build':>18}{'its work alone':>16}{'beyond':>9}{'ratio':>7}")
    for what, ours, theirs in zip(("wall", "processor"), whole, work, strict=True):
        print(f"{what:<12}{ours:>18.1f}{theirs:>16.1f}{ours - theirs:>9.1f}{ours / theirs:>7.2f}")


if __name__ == "__main__":
    main()
