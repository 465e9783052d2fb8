"""Builds that are killed: the next one ends with the bytes of one that was not."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.pipeline.conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.example]


def test_killed_at_any_moment_and_run_again_gives_the_same_bytes(copied: Site) -> None:
    """SIGKILL to DVC alone (the stage would be orphaned), to the stage's process, and to everything at once."""
    shutil.rmtree(copied.folder / ".fieldguide" / "cache", ignore_errors=True)
    wanted = copied.outs
    for stage in ("ingest", "embed", "visualize", "evaluate", "release"):
        # By force: DVC could restore it from its cache.
        forced = ("flows.build", "--single-item", "--force", stage)
        interrupted = 0
        for moment, victim in ((0.4, "dvc repro"), (1.0, f"flows.{stage}"), (2.0, "dvc repro"), (3.0, "")):
            interrupted += _run_and_kill(copied, forced, moment, victim) != 0
        assert interrupted >= 2, stage
        copied.run(*forced)
        assert copied.outs == wanted, stage
    copied.run("dvc", "repro")
    assert copied.outs == wanted
    leftovers = [p for p in (copied.folder / "data").glob("**/.*") if p.name.endswith(".tmp")]
    assert leftovers == []


def _run_and_kill(site: Site, command: tuple[str, ...], moment: float, victim: str) -> int:
    """Kill `victim` so many seconds after the stage began; the build's exit status."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=site.folder, env=site.environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if line.rstrip().endswith(f"] {command[-1]}"):
            break
    else:
        raise AssertionError("".join(told))
    time.sleep(moment)
    _kill(process, victim)
    process.stdout.close()
    return process.wait()


def _kill(build: subprocess.Popen[str], victim: str) -> None:
    """SIGKILL to the one process of a build whose command line holds `victim`; to the whole session if it is empty."""
    if not victim:
        os.killpg(build.pid, signal.SIGKILL)
        return
    for process in psutil.Process(build.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if victim in " ".join(process.cmdline()):
                process.kill()
                return
