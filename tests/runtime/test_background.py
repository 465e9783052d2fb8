"""The background process: real processes, a real Prefect server, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STAGE = """
from flows.stage import Run, stage

@stage
def NAME(run: Run) -> None:
    BODY

if __name__ == "__main__":
    NAME.main()
"""


def add_stage(project: Path, name: str, body: str) -> None:
    indented = body.replace("\n", "\n    ")
    (project / "flows" / f"{name}.py").write_text(STAGE.replace("NAME", name).replace("BODY", indented))


def start(project: Path, name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"flows.{name}", *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FIELDGUIDE_IDLE_SECONDS": "30", **environment},
        # A shell without job control has its background jobs ignore SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.05)


def background_pids(project: Path) -> list[int]:
    """Processes whose working folder is the project's, this test's own children apart."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text()
            if (folder / "cwd").readlink() == project and "fieldguide.runtime.background" in command:
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(found)


def flow_runs(project: Path) -> list[dict[str, str]]:
    log = (project / ".fieldguide" / "background.log").read_text()
    address = log.rpartition("PREFECT_API_URL=")[2].split()[0]
    request = urllib.request.Request(f"{address}/flow_runs/filter", b"{}", {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        runs: list[dict[str, str]] = json.load(reply)
    return runs


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One project for the tests that leave its background process alive, so that its server starts once."""
    from tests.conftest import copy_project

    project = copy_project(tmp_path_factory.mktemp("shared") / "project")
    yield project
    subprocess.run([sys.executable, "-m", "fieldguide.cli.main", "stop"], cwd=project, check=True, timeout=60,
                   env={**os.environ, "FIELDGUIDE_IDLE_SECONDS": "30"})  # fmt: skip
    wait_for(lambda: not background_pids(project))


def test_a_stage_runs_as_a_tracked_flow_and_prints_plainly(shared: Path) -> None:
    add_stage(shared, "hello", 'print(f"{len(run.params.systems)} systems")')
    code, out, err = finish(start(shared, "hello"))
    assert (code, err) == (0, "")
    assert out.endswith(" systems\n")
    assert out.count("\n") == 1
    assert ("hello", "COMPLETED") in {(run["name"], run["state_type"]) for run in flow_runs(shared)}


def test_stages_share_one_background_process_and_always_run_the_code_on_disk(shared: Path) -> None:
    add_stage(shared, "fresh", 'print("before")')
    finish(start(shared, "fresh"))
    first = background_pids(shared)
    add_stage(shared, "fresh", 'import fieldguide.core.files\nprint("after", fieldguide.core.files.MARK)')
    with (shared / "fieldguide" / "files.py").open("a") as stream:
        stream.write("\nMARK = 7\n")
    assert finish(start(shared, "fresh"))[:2] == (0, "after 7\n")
    assert background_pids(shared) == first
    assert len(first) == 1


def test_a_users_mistake_is_told_without_a_traceback(shared: Path) -> None:
    add_stage(shared, "wrong", 'from fieldguide.core.errors import FieldguideError\nraise FieldguideError("mend it")')
    assert finish(start(shared, "wrong")) == (1, "", "wrong: mend it\n")
    assert finish(start(shared, "wrong", "item")) == (2, "", "usage: python -m flows.wrong\n")


def test_a_defect_keeps_its_traceback(shared: Path) -> None:
    add_stage(shared, "defect", "{}['missing']")
    code, _, err = finish(start(shared, "defect"))
    assert code == 1
    assert "KeyError: 'missing'" in err
    assert "Traceback" in err


def test_interrupting_ends_the_stage_and_says_so(shared: Path) -> None:
    add_stage(shared, "patient", 'import time\nprint("up", flush=True)\ntime.sleep(60)')
    process = start(shared, "patient")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "patient: interrupted" in err


def test_the_stage_dies_with_the_process_that_started_it(shared: Path) -> None:
    add_stage(shared, "orphan", "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    process = start(shared, "orphan")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    wait_for(lambda: not Path("/proc", str(pid)).exists())
    wait_for(lambda: ("orphan", "CRASHED") in {(run["name"], run["state_type"]) for run in flow_runs(shared)})


def test_a_second_run_of_a_stage_waits_for_the_first(shared: Path) -> None:
    add_stage(shared, "slowly", 'import time\nprint("in", flush=True)\ntime.sleep(1)\nprint("out", time.time())')
    first = start(shared, "slowly")
    assert first.stdout is not None
    assert first.stdout.readline() == "in\n"
    second = start(shared, "slowly")
    ends = [float(finish(process)[1].split()[-1]) for process in (first, second)]
    assert ends[1] - ends[0] >= 1


def test_killing_the_background_process_is_reported_and_the_next_run_heals(project: Path) -> None:
    add_stage(project, "victim", "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    add_stage(project, "healed", 'print("well")')
    process = start(project, "victim")
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    (background,) = [p for p in background_pids(project) if p != pid]
    os.kill(background, signal.SIGKILL)
    code, _, err = finish(process)
    assert code == 1
    assert "background process was killed; run again" in err
    wait_for(lambda: not Path("/proc", str(pid)).exists())
    assert finish(start(project, "healed", FIELDGUIDE_IDLE_SECONDS="1"))[:2] == (0, "well\n")
    wait_for(lambda: not background_pids(project))
    assert not list((project / ".fieldguide").glob("*.sock"))


def test_without_background_or_tracking_a_stage_runs_in_its_own_process(project: Path) -> None:
    add_stage(project, "alone", 'import sys\nprint("prefect" in sys.modules)')
    assert finish(start(project, "alone", FIELDGUIDE_BACKGROUND="0", FIELDGUIDE_TRACK="0")) == (0, "False\n", "")
    assert background_pids(project) == []


def test_bad_params_name_every_key(project: Path) -> None:
    add_stage(project, "params", 'print("never")')
    text = (project / "params.yaml").read_text().replace("depth: 30", "depth: -3").replace("sample: 20", "smaple: 20")
    (project / "params.yaml").write_text(text)
    code, out, err = finish(start(project, "params", FIELDGUIDE_BACKGROUND="0", FIELDGUIDE_TRACK="0"))
    assert (code, out) == (1, "")
    assert "params.yaml: pool.depth: Input should be greater than or equal to 1 (found -3)" in err
    assert "params.yaml: pool.smaple" in err
