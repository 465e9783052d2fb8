"""Encoding in other processes gives what encoding here gives, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Places
from fieldguide.corpus.ingest import ingest
from fieldguide.corpus.shards import read_images
from fieldguide.models.registry import load_encoder
from fieldguide.params import read_params
from fieldguide.retrieval.encoding import forward
from fieldguide.retrieval.encoding.encode import Encoded, encode, image_items
from fieldguide.runtime.run import Run
from fieldguide.runtime.workers import workers
from flows.embed import embed
from tests.conftest import REPOSITORY
from tests.corpus.pictures import folder_source, params, photo, write_files
from tests.models import tiny_encoders

NAME = "dinov2"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Twelve photographs, the weights of a tiny DINOv2, and parts of five."""
    places = Places(tmp_path)
    write_files(tmp_path / "photos", {f"a/{n}.png": photo(n) for n in range(12)})
    ingest(params(folder_source()), places)
    tiny_encoders.dinov2(tmp_path / "weights")
    monkeypatch.setattr(forward, "PART", 5)
    monkeypatch.setattr("fieldguide.retrieval.encoding.encode.PART", 5)
    return places


@pytest.fixture
def dask() -> Iterator[str]:
    """The address of a Dask scheduler with two worker processes."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address.replace("tcp://", "dask://")


def _run(places: Places, **embedding: Any) -> Run:
    values = read_params(REPOSITORY / "params.yaml")
    spec = tiny_encoders.section(kind=NAME, weights="weights", batch=4)
    embedded = values.embed.model_copy(update={"encoders": [NAME], "batch": 4, **embedding})
    return Run(values.model_copy(update={"encoders": {NAME: spec}, "embed": embedded}), places)


def _files(places: Places) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(places.embeddings(NAME).iterdir())}


def _embedded(places: Places, out: pytest.CaptureFixture[str], **embedding: Any) -> dict[str, bytes]:
    """What the stage writes, from an empty cache."""
    for part in (places.cache / "embeddings").glob("*/*.npz"):
        part.unlink()
    embed(_run(places, **embedding), NAME)
    assert out.readouterr().out == f"{NAME}: 12 images, 12 encoded now\n"
    return _files(places)


@pytest.mark.slow
def test_processes_and_a_dask_cluster_write_the_same_bytes(
    places: Places, dask: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = _embedded(places, capsys)
    assert _embedded(places, capsys, workers=2) == alone
    assert _embedded(places, capsys, cluster=dask) == alone


@pytest.mark.slow
def test_what_a_worker_complains_of_is_told_in_its_words(places: Places) -> None:
    run = _run(places, workers=2)
    items = image_items(read_images(places), places)
    broken = [item._replace(payload=item.payload._replace(size=20)) for item in items]  # type: ignore[union-attr]
    encoder = load_encoder(NAME, run.params.encoder(NAME), places.root)
    options: Any = {"dtype": "float16", "batch": 4}
    with workers(run, NAME) as spread:
        with pytest.raises(FieldguideError, match=r"image [0-9a-f]+: .*do not decode"):
            encode(broken, encoder, places.embeddings(NAME), places.cache, workers=spread, **options)
        # Workers live on, and answer for the rest.
        done = encode(items, encoder, places.embeddings(NAME), places.cache, workers=spread, **options)
        assert done == Encoded(12, 12)


@pytest.mark.slow
def test_a_worker_with_other_weights_is_refused(places: Places) -> None:
    run = _run(places, workers=2)
    encoder = load_encoder(NAME, run.params.encoder(NAME), places.root)
    weights = places.root / "weights" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    items = image_items(read_images(places), places)
    with (
        workers(run, NAME) as spread,
        pytest.raises(FieldguideError, match=r"encoders.dinov2: a worker has revision .*; all need the same files"),
    ):
        encode(items, encoder, places.embeddings(NAME), places.cache, dtype="float16", batch=4, workers=spread)


def test_one_process_encodes_itself(places: Places) -> None:
    with workers(_run(places), NAME) as spread:
        assert spread is None


def test_a_cluster_that_is_not_there_is_named(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def absent(*args: object, **options: object) -> None:
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", absent)
    with (
        pytest.raises(FieldguideError, match=r"no Dask scheduler answers at dask://127.0.0.1:1: timed out"),
        workers(_run(places, cluster="dask://127.0.0.1:1"), NAME),
    ):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(FieldguideError, match="Ray needs the package ray"),
        workers(_run(places, cluster="ray://127.0.0.1:1"), NAME),
    ):
        pass
