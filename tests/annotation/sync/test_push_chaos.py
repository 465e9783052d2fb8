"""Kill the server, and the process that pushes, in the middle: the next push leaves exactly the plan."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.planning.pages import pages_of
from fieldguide.annotation.sync import push as module
from fieldguide.annotation.sync.push import push
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.plan import PLAN, plan_rows
from tests.annotation.planned_benchmark import keys_there, planned
from tests.annotation.real_server import REPOSITORY, LabelStudioServer

pytestmark = pytest.mark.slow

BATCH = 5
TIMES = 6
PUSHING = f"""
import sys
from pathlib import Path
from fieldguide.annotation.label_studio.accounts import read_accounts
from fieldguide.annotation.label_studio.client import connect
from fieldguide.annotation.sync import push
from fieldguide.core.paths import Paths
from tests.annotation.planned_benchmark import params_of
push._BATCH_TASKS = {BATCH}
places = Paths(Path(sys.argv[1]))
print("begin", flush=True)
params = params_of("chaos")
push.push(connect(read_accounts(places)), places, params.annotate, params.release.name)
"""


@pytest.fixture
def benchmark(server: LabelStudioServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Paths, Params]]:
    monkeypatch.setattr(module, "_BATCH_TASKS", BATCH)  # many writes, so that a kill hits between and within them
    yield planned(server.paths.root, name="chaos")


def there(server: LabelStudioServer) -> dict[str, list[str]]:
    client = server.client()
    return {p.assessor: keys_there(client, p.id) for p in find_projects(client, "chaos")}


def wanted(paths: Paths) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for key, page in pages_of(plan_rows(PLAN.read(paths.asked))).items():
        keys.setdefault(page.mark[0], []).append(key)
    return keys


def begin_anew(server: LabelStudioServer) -> None:
    client = server.client()
    for project in find_projects(client, "chaos"):
        client.projects.delete(project.id)


def moments(seconds: float, seed: int) -> list[float]:
    return list(np.random.default_rng(seed).uniform(0, seconds, TIMES))


def test_server_killed_while_pushing(server: LabelStudioServer, benchmark: tuple[Paths, Params]) -> None:
    paths, params = benchmark
    begin = time.perf_counter()
    push(server.client(), paths, params.annotate, params.release.name)
    struck = 0
    for moment in moments(time.perf_counter() - begin, seed=1):
        begin_anew(server)
        killer = threading.Timer(moment, server.kill)
        killer.start()
        try:
            push(server.client(), paths, params.annotate, params.release.name)
        except FieldguideError as error:
            struck += 1
            assert "cannot be reached" in str(error)
        killer.join()
        server.restart()
        push(server.client(), paths, params.annotate, params.release.name)
        assert there(server) == wanted(paths)
        again = push(server.client(), paths, params.annotate, params.release.name)
        assert (again.created, again.removed, again.notes) == (0, 0, ())
    assert struck


def test_pushing_process_killed(server: LabelStudioServer, benchmark: tuple[Paths, Params]) -> None:
    paths, params = benchmark
    begin = time.perf_counter()
    push(server.client(), paths, params.annotate, params.release.name)
    struck = 0
    for moment in moments(time.perf_counter() - begin, seed=2):
        begin_anew(server)
        command = [sys.executable, "-c", PUSHING, str(paths.root)]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "begin\n"
            time.sleep(moment)
            process.kill()
            struck += process.wait() != 0
        push(server.client(), paths, params.annotate, params.release.name)
        assert there(server) == wanted(paths)
    assert struck
