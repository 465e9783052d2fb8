"""Steps as dvc.yaml starts them: real processes, a real Prefect server, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldguide.runtime.builds.server import server
from fieldguide.runtime.environment import prepare
from tests.conftest import copy_project
from tests.prefect_state import place_prefect
from tests.runtime.servers import known, states, wait_for

pytestmark = pytest.mark.slow

STEP = """
from prefect import flow, task

from fieldguide.retrieval.pooling.section import Pool
from fieldguide.runtime.fanout import each
from fieldguide.runtime.step import run


@task
def double(n):
    return 2 * n


@flow
def NAME(pool: Pool):
    BODY


if __name__ == "__main__":
    run(NAME)
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_project(tmp_path_factory.mktemp("shared") / "project")
    place_prefect(project)
    return project


@pytest.fixture(scope="module")
def address(shared: Path) -> Iterator[str]:
    before = dict(os.environ)
    prepare(root=shared)
    os.environ["PREFECT_HOME"] = str(shared / ".fieldguide" / "prefect")
    with server(shared) as found:
        yield found
    os.environ.clear()
    os.environ.update(before)


def add_step(project: Path, name: str, body: str) -> None:
    indented = body.replace("\n", "\n    ")
    (project / "flows" / f"{name}.py").write_text(STEP.replace("NAME", name).replace("BODY", indented))


def start(project: Path, name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("PREFECT_API_URL", "FIELDGUIDE_TRACK")}
    return subprocess.Popen(
        [sys.executable, "-m", f"flows.{name}", *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean, **environment},
        # A shell without job control has its background jobs ignore SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_a_tracked_step_prints_plainly_and_its_sections_tasks_and_words_are_in_prefects_pages(
    shared: Path, address: str
) -> None:
    add_step(shared, "hello", "print(pool.depth, *each(double, [(1,), (2,), (3,)]))")
    code, out, err = finish(start(shared, "hello", PREFECT_API_URL=address))
    assert (code, out, err) == (0, "30 2 4 6\n", "")
    assert ("hello", "COMPLETED") in states(address)
    (made,) = (r for r in known(address, "flow_runs") if r["parameters"].get("pool", {}).get("depth") == 30)
    wait_for(lambda: sum(task["flow_run_id"] == made["id"] for task in known(address, "task_runs")) == 3)
    wait_for(lambda: "30 2 4 6" in {line["message"] for line in known(address, "logs")})


def test_an_untracked_step_does_the_same_and_says_so_in_one_line(shared: Path) -> None:
    add_step(shared, "alone", "print(*each(double, [(1,), (2,)]))")
    code, out, err = finish(start(shared, "alone"))
    assert (code, err) == (0, "")
    assert out.splitlines() == ["not tracked: PREFECT_API_URL is not set (`fieldguide build` sets it)", "2 4"]
    assert finish(start(shared, "alone", FIELDGUIDE_TRACK="0"))[:2] == (0, "2 4\n")


def test_a_dead_server_is_one_line(shared: Path) -> None:
    add_step(shared, "lost", 'print("never")')
    code, out, err = finish(start(shared, "lost", PREFECT_API_URL="http://127.0.0.1:9/api"))
    assert (code, out) == (1, "")
    assert err.startswith("lost: no Prefect server answers at http://127.0.0.1:9/api (PREFECT_API_URL)")
    assert err.count("\n") == 1


def test_a_companys_proxy_changes_nothing_on_this_machine(shared: Path, address: str) -> None:
    add_step(shared, "proxied", 'print("well")')
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    assert finish(start(shared, "proxied", PREFECT_API_URL=address, **proxy)) == (0, "well\n", "")


@pytest.mark.parametrize("tracked", [True, False])
def test_a_users_mistake_is_told_without_a_traceback(shared: Path, address: str, tracked: bool) -> None:
    add_step(shared, "wrong", 'from fieldguide.core.errors import FieldguideError\nraise FieldguideError("mend it")')
    environment = {"PREFECT_API_URL": address} if tracked else {"FIELDGUIDE_TRACK": "0"}
    assert finish(start(shared, "wrong", **environment)) == (1, "", "wrong: mend it\n")
    usage = "wrong: usage: python -m flows.wrong\n"
    assert finish(start(shared, "wrong", "item", **environment)) == (1, "", usage)


def test_a_defect_keeps_its_traceback(shared: Path) -> None:
    add_step(shared, "defect", "{}['missing']")
    code, _, err = finish(start(shared, "defect", FIELDGUIDE_TRACK="0"))
    assert code == 1
    assert "KeyError: 'missing'" in err
    assert "Traceback" in err


def test_interrupting_ends_the_step_and_says_so(shared: Path, address: str) -> None:
    add_step(shared, "patient", 'import time\nprint("up", flush=True)\ntime.sleep(60)')
    process = start(shared, "patient", PREFECT_API_URL=address)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "patient: interrupted" in err


def test_the_step_dies_with_the_process_that_started_it(shared: Path) -> None:
    add_step(shared, "orphan", "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-m', 'flows.orphan'], cwd={str(shared)!r})"
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "FIELDGUIDE_TRACK": "0"}
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    wait_for(lambda: not Path("/proc", str(pid)).exists())
    parent.wait()


def test_a_second_run_of_a_step_waits_for_the_first(shared: Path) -> None:
    add_step(shared, "slowly", 'import time\nprint("in", flush=True)\ntime.sleep(1)\nprint("out", time.time())')
    first = start(shared, "slowly", FIELDGUIDE_TRACK="0")
    assert first.stdout is not None
    assert first.stdout.readline() == "in\n"
    second = start(shared, "slowly", FIELDGUIDE_TRACK="0")
    ends = [float(finish(process)[1].split()[-1]) for process in (first, second)]
    assert ends[1] - ends[0] >= 1


def test_bad_params_name_every_key(shared: Path) -> None:
    add_step(shared, "params", 'print("never")')
    path = shared / "params.yaml"
    before = path.read_text()
    path.write_text(before.replace("depth: 30", "depth: -3").replace("sample: 20", "smaple: 20"))
    code, out, err = finish(start(shared, "params", FIELDGUIDE_TRACK="0"))
    path.write_text(before)
    assert (code, out) == (1, "")
    assert "pool.depth" in err
    assert "pool.smaple" in err


def test_every_step_is_a_flow_whose_parameters_are_sections() -> None:
    """dvc.yaml's stages, each with a module of its name, whose flow the step's runner can call."""
    import importlib

    import yaml

    from fieldguide.params import read_params
    from fieldguide.runtime.step import parameters
    from tests.conftest import REPOSITORY

    params = read_params(REPOSITORY / "params.yaml")
    pipeline = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    for name, stage in pipeline.items():
        step = getattr(importlib.import_module(f"flows.{name}"), name)
        given = parameters(step, params, list(stage.get("matrix", [])))
        assert json.dumps(step.serialize_parameters(given))
