"""A small benchmark with its pages, before a real Label Studio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.serving.app import application
from fieldguide.annotation.serving.site import Site
from fieldguide.annotation.serving.visitors import key_of, with_keys
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from tests.annotation.planned_benchmark import planned
from tests.annotation.real_server import LabelStudioServer


@dataclass
class Pages:
    """A benchmark whose pages are served to this process."""

    server: LabelStudioServer
    paths: Paths
    params: Params
    site: Site

    @classmethod
    def of(cls, server: LabelStudioServer, paths: Paths, params: Params) -> Pages:
        """Push what is planned, and serve it."""
        annotation = Annotation(paths, params.annotate, params.release.name)
        annotation.push()
        return cls(server, paths, params, Site(annotation, with_keys(server.accounts, params.annotate.people)))

    def client(self, person: str | None) -> TestClient:
        """A client with a person's key."""
        app = application(self.site, lambda: "<p>figures", ["127.0.0.1"])
        key = {"authorization": f"Bearer {key_of(self.site.accounts, person)}"} if person else {}
        return TestClient(app, base_url="http://127.0.0.1", headers=key)

    def pull(self) -> tuple[LogEntry, ...]:
        """Take over what was given; the log's lines."""
        self.site.annotation.pull()
        self.site.refresh()
        return log.read(self.paths.judgments).entries


def answers_to(page: dict[str, Any], choice: str) -> dict[str, str]:
    """That choice for every image of a page."""
    return {str(n): choice for n, address in enumerate(page["images"], 1) if address}


def made(root: Path, **annotate: Any) -> tuple[LabelStudioServer, Paths, Params]:
    """A planned benchmark with a server of its own."""
    paths, params = planned(root / "benchmark", **annotate)
    return LabelStudioServer.fresh(paths.root, params), paths, params


@pytest.fixture(scope="module")
def pages(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages of four images for ada, ben and cleo."""
    server, paths, params = made(tmp_path_factory.mktemp("pages"))
    with server:
        yield Pages.of(server, paths, params)
