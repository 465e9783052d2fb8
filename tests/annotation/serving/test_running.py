"""`fieldguide annotate serve` as whoever manages runs it: nobody pushes, nobody pulls, nobody waits."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fieldguide.annotation.judgments import log
from fieldguide.params import read_params
from tests.annotation.real_server import LabelStudioServer
from tests.people import Site, make_site

pytestmark = pytest.mark.slow

PEOPLE = ("ada", "ben", "cleo", "dora")


class Serving:
    """The command, running in a benchmark's folder."""

    def __init__(self, site: Site) -> None:
        self.site = site
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self.said = (site.folder / "said.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fieldguide.cli.main", "annotate", "serve", "--every", "5", "--port",
             self.address.rpartition(":")[2]],
            cwd=site.folder, env={**os.environ, **site.environment}, stdout=self.said, stderr=subprocess.STDOUT,
        )  # fmt: skip

    @property
    def output(self) -> str:
        return (self.site.folder / "said.txt").read_text()

    def client(self, link: str) -> httpx.Client:
        key = {"authorization": f"Bearer {link.partition('#')[2]}"}
        return httpx.Client(base_url=self.address, headers=key, timeout=60)

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture
def serving(tmp_path: Path, migrated: Path) -> Iterator[Serving]:
    site = make_site(
        tmp_path / "site", ("pool", "adjudicate"), assessors=["ada", "ben", "cleo"], adjudicator="dora", overlap=2,
        page=8, stopping={"rule": "consecutive", "count": 4, "wave": 1},
    )  # fmt: skip
    site.run("dvc", "repro", "-q", "pool")
    with LabelStudioServer.fresh(site.folder, read_params(site.folder / "params.yaml")):
        running = Serving(site)
        try:
            until(lambda: "pages at http" in running.output or running.process.poll() is not None)
            assert running.process.poll() is None, running.output
            yield running
        finally:
            running.process.kill()
            running.process.wait()
            running.said.close()


def all_is_in(said: str) -> bool:
    """Whether the last that was said of judgments and of disputes is that none is missing."""
    told = [re.findall(rf"^(\d+) of (\d+) {what}", said, re.MULTILINE) for what in ("judgments", "disputes")]
    return all(lines and lines[-1][0] == lines[-1][1] for lines in told)


def until(holds: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)


def test_pages_follow_by_themselves_until_all_is_judged(serving: Serving) -> None:
    site = serving.site
    printed = site.run("fieldguide.cli.main", "annotate", "links", "--address", serving.address).stdout
    links = dict(re.findall(r"^(\w+): (\S+)$", printed, re.MULTILINE))
    assert set(links) == {*PEOPLE, "manager"}
    people = {name: serving.client(link) for name, link in links.items()}

    def judge(name: str) -> int:
        pages = people[name].get("/api/next").raise_for_status().json()["pages"]
        for page in pages:
            answers = {str(n): "not-visible" for n in range(1, len(page["images"]) + 1)}
            if name == "ada":
                answers["1"] = "plainly-visible"
            people[name].post(f"/api/pages/{page['key']}", json={"answers": answers, "seconds": 5}).raise_for_status()
        return len(pages)

    # A pause and a deadline are there with the next look.
    day = date.today() + timedelta(days=3)
    site.params("annotate", paused=["ada"], deadline=day.isoformat())
    until(lambda: people["ada"].get("/api/me").json()["paused"])
    assert people["ada"].get("/api/next").json()["pages"] == []
    assert people["ben"].get("/api/me").json()["days"] == 3
    site.params("annotate", paused=[])
    until(lambda: not people["ada"].get("/api/me").json()["paused"])

    # A new link closes the old one.
    new = site.run("fieldguide.cli.main", "annotate", "links", "ben", "--new").stdout.strip()
    ben, people["ben"] = people["ben"], serving.client(new)
    until(lambda: people["ben"].get("/api/me").status_code == 200)
    assert ben.get("/api/me").status_code == 401

    # Waves, then disputes, come before people while they judge: nobody pushed or pulled.
    until(lambda: not sum(judge(name) for name in PEOPLE) and all_is_in(serving.output), 180)
    entries = log.read(site.paths.judgments).entries
    assert {entry.assessor for entry in entries} == set(PEOPLE), "nothing came before the adjudicator"
    assert all(people[name].get("/api/me").json()["pages_left"] == 0 for name in PEOPLE)
    assert people["manager"].get("/manager").status_code == 200
    assert people["ada"].get("/manager").status_code == 403

    refused = site.run("fieldguide.cli.main", "annotate", "close", check=False)
    assert refused.returncode == 1 and "annotate serve` is running" in refused.stdout + refused.stderr
    assert "Traceback" not in serving.output
    assert serving.end() == 128 + signal.SIGINT, serving.output
    # All that was given is in the log, without a further pull.
    said = site.run("fieldguide.cli.main", "annotate", "pull").stdout
    assert len(log.read(site.paths.judgments).entries) == len(entries), said
