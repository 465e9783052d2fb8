"""The build as it is typed: what it starts ends with it, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml

from fieldguide.runtime.builds.server import answers
from tests.prefect_state import own_environment, place_prefect
from tests.runtime.servers import known, states, wait_for
from tests.runtime.test_step import add_step

pytestmark = pytest.mark.slow


@pytest.fixture
def site(project: Path) -> Path:
    """A DVC repository with one stage that says `up` and sleeps until a file is there."""
    waits = 'while not pathlib.Path("go").exists():\n    time.sleep(0.1)'
    made = 'pathlib.Path("made").write_text("1")'
    add_step(project, "sleeper", f'import time, pathlib\nprint("up", flush=True)\n{waits}\n{made}')
    add_step(project, "after", 'open("made2", "w").close()')
    stages = {
        "sleeper": {"cmd": "exec python -m flows.sleeper", "outs": ["made"]},
        "after": {"cmd": "exec python -m flows.after", "deps": ["made", "absent"], "outs": ["made2"]},
    }
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (project / "dvc.lock").unlink()
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=project, check=True)
    place_prefect(project)
    return project


def started(site: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "build", *arguments],
        cwd=site, env={**own_environment(), "PATH": path, "SHELL": "/bin/sh", **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=_heard,  # noqa: PLW1509
    )  # fmt: skip


def _heard() -> None:
    """In a new process: signals are not ignored, as they are where the tests run under nohup or in the background."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def until_up(process: subprocess.Popen[str]) -> str:
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if line.strip() == "up":
            return said
    raise AssertionError(said)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_build_ends_with_all_that_it_started(site: Path, how: signal.Signals) -> None:
    process = started(site, "sleeper")
    until_up(process)
    family = psutil.Process(process.pid).children(recursive=True)
    assert {"dvc", "prefect"} <= {name for p in family for name in ("dvc", "prefect") if name in " ".join(p.cmdline())}
    process.send_signal(how)  # all is over in three seconds on an idle machine; this asks that it ends at all
    out, _ = process.communicate(timeout=30)
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family), 10)
    if how is not signal.SIGKILL:
        assert process.returncode == 1
        assert "interrupted; what was finished is kept" in out
        assert "Traceback" not in out
    (site / "go").touch()
    again = started(site, "sleeper", FIELDGUIDE_TRACK="0")
    said = again.communicate(timeout=60)[0]
    assert again.returncode == 0, said
    assert (site / "made").read_text() == "1"


def test_a_build_whose_server_dies_ends_and_says_so(site: Path) -> None:
    process = started(site, "sleeper")
    until_up(process)
    family = psutil.Process(process.pid).children(recursive=True)
    next(p for p in family if "prefect" in " ".join(p.cmdline())).kill()
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "the Prefect server of this build ended (status -9)" in said
    assert "Traceback" not in said
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family), 10)
    (site / "go").touch()
    assert started(site, "sleeper", FIELDGUIDE_TRACK="0").wait(60) == 0


def test_what_a_kill_left_running_is_marked_crashed_by_the_next_build(site: Path) -> None:
    process = started(site, "sleeper")
    until_up(process)
    process.kill()
    process.wait()
    second = started(site, "sleeper")
    address = until_up(second).split("watch this build at ")[1].split()[0] + "/api"
    names = {flow["id"]: flow["name"] for flow in known(address, "flows")}
    runs = sorted((names[run["flow_id"]], run["state_type"]) for run in known(address, "flow_runs"))
    assert runs == [("build", "CRASHED"), ("build", "RUNNING"), ("sleeper", "CRASHED"), ("sleeper", "RUNNING")]
    (site / "go").touch()
    assert second.wait(60) == 0


def test_the_stage_that_failed_is_named_and_not_the_one_before_it(site: Path) -> None:
    (site / "go").touch()
    process = started(site)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "absent" in said
    assert "sleeper failed" not in said


def test_untracked_it_starts_no_server(site: Path) -> None:
    (site / "go").touch()
    process = started(site, "sleeper", FIELDGUIDE_TRACK="0")
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert "watch this build" not in said


def test_two_builds_at_once_are_refused(site: Path) -> None:
    first = started(site, "sleeper")
    until_up(first)
    second = started(site, "sleeper")
    assert "another build of this folder is running" in second.communicate(timeout=60)[0]
    assert second.returncode == 1
    (site / "go").touch()
    assert first.wait(60) == 0


def test_served_it_looks_by_itself_and_when_told_in_prefects_pages(site: Path) -> None:
    """A schedule exists, a run that the pages start is carried out, and Ctrl-C ends the serving with its server."""
    (site / "go").touch()
    (site / "absent").touch()
    process = started(site, "--serve", "60")
    assert process.stdout is not None
    address = process.stdout.readline().split("watch this build at ")[1].strip() + "/api"
    wait_for(lambda: bool(known(address, "deployments")), 60)
    (deployment,) = known(address, "deployments")
    assert [schedule["schedule"]["interval"] for schedule in deployment["schedules"]] == [3600]
    told = urllib.request.Request(
        f"{address}/deployments/{deployment['id']}/create_flow_run", b"{}", {"content-type": "application/json"}
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(told, timeout=20).close()
    wait_for(lambda: ("build", "COMPLETED") in states(address), 90)
    assert (site / "made2").exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    wait_for(lambda: not answers(address), 10)
