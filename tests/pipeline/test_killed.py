"""The same commit, params and seeds give the same bytes, also where builds are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.pipeline.conftest import Site, make_site

pytestmark = [pytest.mark.slow, pytest.mark.example]


ORDER = list(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"])


def test_killed_again_and_again_elsewhere_it_ends_with_the_same_bytes(
    request: pytest.FixtureRequest, tmp_path: Path, example_input: Path
) -> None:
    """From nothing, in another folder, with another order of Python's sets.

    SIGKILL to DVC alone (the stage would be orphaned), to the stage's process, and to everything at once.
    """
    site = make_site(tmp_path / "elsewhere", example_input, hash_seed="7")
    for stage in ("ingest", "embed", "visualize", "evaluate", "release"):
        interrupted = 0
        for moment, victim in ((0.4, "dvc repro"), (1.0, f"flows.{stage}"), (2.0, "dvc repro"), (3.0, "")):
            if f"\n  {stage}:" not in (site.folder / "dvc.lock").read_text():  # not yet done
                interrupted += _build_and_kill(site, stage, moment, victim) != 0
        assert interrupted >= 2, stage
    site.run("flows.build")
    built: Site = request.getfixturevalue("built")  # asked for so late that both are built side by side
    assert site.outs == built.outs
    assert len(site.outs) > 30
    assert "up to date" in site.run("dvc", "status").stdout
    leftovers = [p for p in (site.folder / "data").glob("**/.*") if p.name.endswith(".tmp")]
    assert leftovers == []


def _build_and_kill(site: Site, stage: str, moment: float, victim: str) -> int:
    """Kill `victim` so many seconds after the stage began; the build's exit status."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.build"],
        cwd=site.folder, env=site.environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        begun = line.rstrip().rpartition("] ")[2].partition("@")[0]
        if begun in ORDER and ORDER.index(begun) >= ORDER.index(stage):
            break
    else:
        assert process.wait() == 0, "".join(told)
        return 0  # the last stage, and it was done
    if begun != stage:  # it was done, and DVC killed before it could say so: now it took the outputs from its cache
        _kill(process, "")
        process.wait()
        return 0
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
