"""A real Label Studio for tests and measurements: ready in about three seconds, to be killed at will.

with LabelStudioServer.fresh(folder) as server:
    project = server.client().projects.create(...)     # the manager
    server.client("ada").annotations.create(...)       # an assessor
    server.kill()                                      # SIGKILL, at once
    server.restart()                                   # same data, accounts and tokens
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from fieldguide.annotation.label_studio import installing
from fieldguide.annotation.label_studio.accounts import Accounts
from fieldguide.annotation.label_studio.client import connect
from fieldguide.annotation.label_studio.server import running, start, stop
from fieldguide.core.files import atomic_directory, content_key, locked, sha256_file
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from tests.builders import tiny_params

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

REPOSITORY = Path(__file__).resolve().parents[2]
ASSESSORS, ADJUDICATOR = ("ada", "ben", "cleo"), "dora"


def people_params(**annotate: Any) -> Params:
    """`tiny_params` with the people that the migrated data base knows; `annotate` overrides keys of that section."""
    return tiny_params(annotate={"assessors": list(ASSESSORS), "adjudicator": ADJUDICATOR, **annotate})


def use_label_studio() -> Path:
    """The label-studio of this repository, installed where it is not; servers started by this process use it."""
    given = os.environ.get(installing.EXECUTABLE)
    path = Path(given) if given else installing.label_studio(Paths(REPOSITORY), print)
    os.environ[installing.EXECUTABLE] = str(path)
    return path


def migrated_state() -> Path:
    """A `Paths.annotation_state` with a migrated data base and everybody signed up; made once a version, then kept."""
    executable = use_label_studio()
    key = content_key(pins=sha256_file(installing.CONSTRAINTS), executable=str(executable.resolve()), layout=1)
    kept = Paths(REPOSITORY).cache / "label-studio-tests" / key
    with locked(kept.with_name(f"{key}.lock")):
        if not kept.exists():
            with atomic_directory(kept) as folder:
                server = LabelStudioServer(folder, people_params())
                server.restart()
                server.stop()
    return Paths(kept).annotation_state


class LabelStudioServer:
    """A server of a benchmark's folder, with accounts of the manager, ada, ben, cleo and the adjudicator dora."""

    def __init__(self, folder: Path, params: Params) -> None:
        self.paths = Paths(folder)
        self.params = params
        self.accounts: Accounts

    @classmethod
    def fresh(cls, folder: Path, params: Params | None = None) -> LabelStudioServer:
        """Start one with an empty data base in a folder that has none yet, which may hold a benchmark."""
        server = cls(folder, params or people_params())
        shutil.copytree(migrated_state(), server.paths.annotation_state)
        server.restart(_free_port())
        return server

    @property
    def url(self) -> str:
        """Where it listens, or listened when it was last started."""
        return self.accounts.url

    def client(self, person: str | None = None) -> LabelStudio:
        """The SDK's client of the manager, or of a person by name."""
        account = self.accounts.people[person] if person else self.accounts.manager
        return connect(self.accounts.model_copy(update={"manager": account}))

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        for process in self.processes():
            process.kill()
            process.wait(10)

    def restart(self, port: int | None = None) -> Accounts:
        """Start it again where it does not run, by what a user would call; on the same port if that is free."""
        self.accounts = start(self.paths, self.params.annotate, port)
        return self.accounts

    def stop(self) -> None:
        """End it; its data stays."""
        stop(self.paths)

    def is_running(self) -> bool:
        """Whether it listens."""
        return running(self.paths) is not None

    def processes(self) -> list[psutil.Process]:
        """Its processes."""
        folder = str(self.paths.annotation_state.resolve())
        every = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"]]
        return [p for p in every if folder in p.info["cmdline"] and p.status() != psutil.STATUS_ZOMBIE]

    def __enter__(self) -> LabelStudioServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _free_port() -> int:
    """A port of the system's choice, so that servers of several sessions stay out of each other's way."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
