"""Encoding in other processes gives what encoding here gives, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest import ingest
from fieldguide.corpus.items import image_items
from fieldguide.corpus.shards import read_images
from fieldguide.models.registry import load_encoder
from fieldguide.params import read_params
from fieldguide.retrieval.encoding import forward
from fieldguide.retrieval.encoding.encode import Encoded, encode
from fieldguide.runtime.run import Run
from fieldguide.runtime.workers import workers
from flows.embed import embed
from tests.conftest import REPOSITORY
from tests.corpus.pictures import folder_source, params, photo, write_files
from tests.models import tiny_encoders

NAME = "dinov2"


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Twelve photographs, the weights of a tiny DINOv2, and parts of five."""
    paths = Paths(tmp_path)
    write_files(tmp_path / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), paths)
    tiny_encoders.dinov2(tmp_path / "weights")
    monkeypatch.setattr(forward, "PART", 5)
    monkeypatch.setattr("fieldguide.retrieval.encoding.encode.PART", 5)
    return paths


@pytest.fixture
def dask() -> Iterator[str]:
    """The address of a Dask scheduler with two worker processes."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address.replace("tcp://", "dask://")


def _run(paths: Paths, **embedding: Any) -> Run:
    values = read_params(REPOSITORY / "params.yaml")
    spec = tiny_encoders.section(kind=NAME, weights="weights", batch=4)
    embedded = values.embed.model_copy(update={"encoders": [NAME], "batch": 4, **embedding})
    return Run(values.model_copy(update={"encoders": {NAME: spec}, "embed": embedded}), paths)


def _files(paths: Paths) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(paths.embeddings(NAME).iterdir())}


def _embedded(paths: Paths, out: pytest.CaptureFixture[str], **embedding: Any) -> dict[str, bytes]:
    """What the stage writes, from an empty cache."""
    for part in (paths.cache / "embeddings").glob("*/*.npz"):
        part.unlink()
    embed(_run(paths, **embedding), NAME)
    assert out.readouterr().out == f"{NAME}: 12 images, 12 encoded now\n"
    return _files(paths)


@pytest.mark.slow
def test_processes_and_a_dask_cluster_write_the_same_bytes(
    paths: Paths, dask: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = _embedded(paths, capsys)
    assert _embedded(paths, capsys, workers=2) == alone
    assert _embedded(paths, capsys, cluster=dask) == alone


@pytest.mark.slow
def test_what_a_worker_complains_of_is_told_in_its_words(paths: Paths) -> None:
    run = _run(paths, workers=2)
    items = image_items(read_images(paths), paths)
    broken = [item._replace(payload=item.payload._replace(size=20)) for item in items]  # type: ignore[union-attr]
    encoder = load_encoder(NAME, run.params.encoder(NAME), paths.root)
    options: Any = {"dtype": "float16", "batch": 4}
    with workers(run, NAME) as spread:
        with pytest.raises(FieldguideError, match=r"image [0-9a-f]+: .*do not decode"):
            encode(broken, encoder, paths.embeddings(NAME), paths.cache, workers=spread, **options)
        # Workers live on, and answer for the rest.
        done = encode(items, encoder, paths.embeddings(NAME), paths.cache, workers=spread, **options)
        assert done == Encoded(12, 12)


@pytest.mark.slow
def test_a_worker_with_other_weights_is_refused(paths: Paths) -> None:
    run = _run(paths, workers=2)
    encoder = load_encoder(NAME, run.params.encoder(NAME), paths.root)
    weights = paths.root / "weights" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    items = image_items(read_images(paths), paths)
    with (
        workers(run, NAME) as spread,
        pytest.raises(FieldguideError, match=r"encoders.dinov2: a worker has revision .*; all need the same files"),
    ):
        encode(items, encoder, paths.embeddings(NAME), paths.cache, dtype="float16", batch=4, workers=spread)


def test_one_process_encodes_itself(paths: Paths) -> None:
    with workers(_run(paths), NAME) as spread:
        assert spread is None


def test_a_cluster_that_is_not_there_is_named(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def absent(*args: object, **options: object) -> None:
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", absent)
    with (
        pytest.raises(FieldguideError, match=r"no Dask scheduler answers at dask://127.0.0.1:1: timed out"),
        workers(_run(paths, cluster="dask://127.0.0.1:1"), NAME),
    ):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(FieldguideError, match="Ray needs the package ray"),
        workers(_run(paths, cluster="ray://127.0.0.1:1"), NAME),
    ):
        pass
