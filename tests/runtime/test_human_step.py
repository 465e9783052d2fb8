"""The build's human step: a real Prefect server, real processes, killed in between; people are played by the test.

What goes to and comes from an annotation server is tested in tests/annotation; here the log is filled directly,
and `push` and `pull` are stand-ins that do nothing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.people import Site, judge, make_site, truth
from tests.runtime.test_background import background_pids, wait_for

pytestmark = pytest.mark.slow

WAITS = 75
STANDINS = {
    "push": "from types import SimpleNamespace\n"
    "def push(*_):\n    return SimpleNamespace(notes=())\n",
    "pull": "from types import SimpleNamespace\n"
    "def pull(*_, **__):\n    return SimpleNamespace(notes=(), projects=1)\n",
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = make_site(tmp_path / "site", ("pool", "adjudicate"))
    for name, text in STANDINS.items():
        (site.folder / "annotation" / f"{name}.py").write_text(text)
    with (site.folder / "flows" / "desk.py").open("a") as stream:
        stream.write("\n\ndef server(places):\n    return None\n")
    yield site
    site.run("fieldguide.cli.main", "stop", check=False)


def build(site: Site, *arguments: str) -> tuple[int, str]:
    done = site.run("fieldguide.cli.main", "build", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def flow_run(site: Site, *resume: str) -> dict[str, Any]:
    """The build's flow run with its states, as the Prefect server of the folder has them."""
    identity = (site.folder / ".fieldguide" / "build-run").read_text().strip()
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom uuid import UUID\n"
        "from fieldguide.runtime.client import background_server\n"
        "with background_server(Path.cwd()) as address:\n"
        "    import os\n    os.environ['PREFECT_API_URL'] = address\n"
        "    from prefect.client.orchestration import get_client\n"
        "    with get_client(sync_client=True) as client:\n"
        "        if sys.argv[2:]:\n            client.resume_flow_run(UUID(sys.argv[1]))\n"
        "        run = client.read_flow_run(UUID(sys.argv[1]))\n"
        "        states = client.read_flow_run_states(UUID(sys.argv[1]))\n"
        "print(json.dumps({'id': str(run.id), 'state': run.state_name, 'states': [s.name for s in states]}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, identity, *resume], cwd=site.folder, env=site.environment, capture_output=True,
        text=True, check=True, timeout=120,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def kill_background(site: Site) -> None:
    (background,) = background_pids(site.folder)
    os.kill(background, signal.SIGKILL)
    wait_for(lambda: not background_pids(site.folder))


def test_it_stops_at_the_pool_survives_a_kill_of_everything_and_ends_as_the_same_run(site: Site) -> None:
    code, said = build(site)
    assert code == WAITS, said
    assert re.search(r"\b0 of [1-9]\d+ judgments are in", said)
    assert "ada: " in said
    assert "run `fieldguide build` again" in said.lower().replace("the build waits for people. ", "")
    assert site.paths.asked.exists()
    assert not site.paths.qrels.exists()
    first = flow_run(site)
    assert first["state"] == "Suspended"

    kill_background(site)
    judge(site, "ada", truth(site), last=30)
    code, said = build(site)
    assert code == WAITS, said
    assert flow_run(site) == first

    kill_background(site)
    judge(site, "ada", truth(site))
    judge(site, "ben", truth(site))
    code, said = build(site)
    assert code == 0, said
    last = flow_run(site)
    assert last["id"] == first["id"]
    assert last["states"][-3:] == ["Resuming", "Running", "Completed"]
    assert (site.paths.qrels / "qrels.parquet").exists()
    assert "judgments" in said


def test_told_to_go_on_it_does_with_what_there_is(site: Site) -> None:
    assert build(site)[0] == WAITS
    judge(site, "ada", truth(site), last=20)
    code, said = build(site, "--resume")
    assert code == 0, said
    assert re.search(r"\b20 of [1-9]\d+ judgments are in", said)
    assert flow_run(site)["state"] == "Completed"


def test_told_so_in_prefects_pages_it_goes_on_too(site: Site) -> None:
    assert build(site)[0] == WAITS
    judge(site, "ada", truth(site), last=20)
    assert flow_run(site, "resume")["state"] == "Resuming"
    code, said = build(site)
    assert code == 0, said
    assert flow_run(site)["state"] == "Completed"


def test_killed_while_it_runs_it_goes_on_as_the_same_run(site: Site) -> None:
    """Killed once while it asks people, and once while it builds the rest."""
    lines = ("import os, time", "if not os.path.exists('go'):", "    print('up', flush=True)", "    time.sleep(60)")
    go = "".join(f"    {line}\n" for line in lines)
    patch(site, "human", "    standing = Standing(", go + "    standing = Standing(")
    killed_when_up(site)
    first = flow_run(site)
    assert first["state"] == "Running"
    (site.folder / "go").touch()
    assert build(site)[0] == WAITS
    (site.folder / "go").unlink()
    patch(site, "human", go, "")
    for assessor in ("ada", "ben"):
        judge(site, assessor, truth(site))
    last = "        print(progress.summary())"
    patch(site, "build", last, go.replace("    ", "        ") + last)
    killed_when_up(site)
    assert flow_run(site)["state"] == "Running"
    (site.folder / "go").touch()
    code, said = build(site)
    assert code == 0, said
    ended = flow_run(site)
    assert (ended["id"], ended["state"]) == (first["id"], "Completed")


def patch(site: Site, module: str, old: str, new: str) -> None:
    path = site.folder / "flows" / f"{module}.py"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def killed_when_up(site: Site) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "build"], cwd=site.folder, env=site.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line == "up\n":
            break
    assert process.poll() is None, said
    process.kill()
    process.stdout.close()
    process.wait(20)


def test_with_wait_it_stays_and_goes_on_by_itself(site: Site) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "build", "--wait", "--every", "1"],
        cwd=site.folder, env=site.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("  ben: "):
            break
    wait_for((site.folder / ".fieldguide" / "build-run").exists)
    second = site.run("fieldguide.cli.main", "build", check=False)
    assert second.returncode == 1
    assert "another build of this folder is running" in second.stderr
    for assessor in ("ada", "ben"):
        judge(site, assessor, truth(site))
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said + out
    assert re.search(r"\b([1-9]\d+) of \1 judgments are in", out)
    assert flow_run(site)["states"].count("Suspended") == 1


def test_without_a_server_it_says_how_to_start_one_and_needs_none_once_the_log_suffices(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", ("pool", "adjudicate"))
    try:
        code, said = build(site)
        assert code == 1, said
        assert "the build waits, but people could not be asked, see above" in said
        assert "make annotate" in said
        assert flow_run(site)["state"] == "Suspended"
        for assessor in ("ada", "ben"):
            judge(site, assessor, truth(site))
        code, said = build(site)
        assert code == 0, said
        assert "the log suffices; the server was not asked" in said
        assert flow_run(site)["state"] == "Completed"
    finally:
        site.run("fieldguide.cli.main", "stop", check=False)


def test_labels_of_a_data_set_make_nobody_wait(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", ("pool", "adjudicate"))
    site.params("adjudicate", judge="dataset-label")
    try:
        code, said = build(site)
        assert code == 0, said
        assert not (site.folder / ".fieldguide" / "build-run").exists()
        assert (site.paths.qrels / "qrels.parquet").exists()
    finally:
        site.run("fieldguide.cli.main", "stop", check=False)
