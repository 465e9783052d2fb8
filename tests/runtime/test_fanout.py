"""Tasks on threads and on a Dask cluster: the same results in the same order, and a killed worker is survived."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest.ingest import ingest
from fieldguide.retrieval.encoding import forward, workers
from fieldguide.retrieval.encoding.section import Embed
from fieldguide.runtime.builds.server import server, tracking, without_heartbeat
from fieldguide.runtime.fanout import each, on_cluster, task_runner
from fieldguide.runtime.section import TaskRunner
from flows.embed import embed
from flows.ingest import ingest as read_by_flow
from tests.corpus.pictures import corpus_bytes, folder_source, params, photo, write_files
from tests.models import tiny_encoders
from tests.prefect_state import place_prefect

NAME = "dinov2"
DASK = TaskRunner(kind="dask", workers=2)
PROCESSES = TaskRunner(kind="processes", workers=2)


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Flows of this process are tracked in a Prefect server of this module's."""
    root = tmp_path_factory.mktemp("prefect")
    place_prefect(root)
    before = os.environ.get("PREFECT_HOME")
    os.environ["PREFECT_HOME"] = str(root / ".fieldguide" / "prefect")
    with server(root) as address, tracking(address), without_heartbeat():
        yield
    os.environ.pop("PREFECT_HOME")
    if before is not None:
        os.environ["PREFECT_HOME"] = before


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Twelve photographs, the weights of a tiny DINOv2, and parts of five; the working folder."""
    paths = Paths(tmp_path)
    write_files(tmp_path / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), paths)
    tiny_encoders.dinov2(tmp_path / "weights")
    monkeypatch.setattr(forward, "PART", 5)
    monkeypatch.setattr("fieldguide.retrieval.encoding.encode.PART", 5)
    monkeypatch.chdir(tmp_path)
    return paths


def embedded(paths: Paths, run: Any, out: pytest.CaptureFixture[str]) -> dict[str, bytes]:
    """What the step writes, from an empty cache."""
    for part in (paths.cache / "embeddings").glob("*/*.npz"):
        part.unlink()
    spec = tiny_encoders.section(kind=NAME, weights=str(paths.root / "weights"), batch=4)
    run(embed=Embed(encoders=[NAME], batch=4), encoders={NAME: spec})
    assert f"{NAME}: 12 images, 12 encoded now\n" in out.readouterr().out
    return {path.name: path.read_bytes() for path in sorted(paths.embeddings(NAME).iterdir())}


@pytest.mark.slow
@pytest.mark.usefixtures("tracked")
def test_threads_processes_and_a_dask_cluster_write_the_same_bytes(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = embedded(paths, embed.fn, capsys)
    for section in (TaskRunner(), PROCESSES, DASK):
        assert embedded(paths, embed.with_options(task_runner=task_runner(section)), capsys) == alone


@pytest.mark.slow
@pytest.mark.usefixtures("tracked")
def test_photographs_are_read_and_packed_by_processes_and_by_a_cluster(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldguide.corpus.sources.parts._CANDIDATES", 4)
    alone = corpus_bytes(paths)
    for section in (PROCESSES, DASK):
        shutil.rmtree(paths.cache / "ingest")
        shutil.rmtree(paths.images.parent)
        read_by_flow.with_options(task_runner=task_runner(section))(ingest=params(folder_source()))
        assert corpus_bytes(paths) == alone


@pytest.mark.slow
@pytest.mark.usefixtures("tracked")
def test_a_killed_worker_is_survived() -> None:
    from distributed import LocalCluster

    @task
    def tripled(n: int) -> int:
        import time

        time.sleep(0.3)
        return 3 * n

    @flow
    def many() -> list[int]:
        return list(each(tripled, [(n,) for n in range(16)]))

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:

        def kill() -> None:
            time.sleep(2)
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        section = TaskRunner(kind="dask", address=cluster.scheduler_address)
        assert many.with_options(task_runner=task_runner(section))() == [3 * n for n in range(16)]
        killer.join()


@pytest.mark.slow
@pytest.mark.usefixtures("tracked")
def test_a_tasks_complaint_is_told_in_its_words_wherever_it_ran() -> None:
    @task
    def complains(n: int) -> int:
        from fieldguide.core.errors import FieldguideError

        raise FieldguideError(f"mend {n}")

    @flow
    def many() -> list[int]:
        return list(each(complains, [(n,) for n in range(3)]))

    for section in (TaskRunner(), PROCESSES, DASK):
        with pytest.raises(FieldguideError, match="mend 0"):
            many.with_options(task_runner=task_runner(section))()


def test_a_worker_with_other_weights_is_refused(paths: Paths) -> None:
    from fieldguide.corpus.store.items import image_items
    from fieldguide.corpus.store.shards import read_images

    spec = tiny_encoders.section(kind=NAME, weights=str(paths.root / "weights"), batch=4)
    items = image_items(read_images(paths), paths)
    with pytest.raises(FieldguideError, match=r"encoders.dinov2: a worker has revision .*; all need the same files"):
        workers.encode_part(items, NAME, spec, paths.root, "another", "float16", 4)


def test_outside_a_flow_this_process_runs_the_tasks() -> None:
    @task
    def doubled(n: int) -> int:
        return 2 * n

    assert list(each(doubled, [(n,) for n in range(5)])) == [0, 2, 4, 6, 8]
    assert not on_cluster()


def test_an_address_belongs_to_dask() -> None:
    with pytest.raises(ValidationError, match="address belongs to kind dask"):
        TaskRunner(kind="threads", address="tcp://127.0.0.1:8786")
