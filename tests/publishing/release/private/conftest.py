"""A release that withholds a part, with that part; a module's own, not to be changed."""

from __future__ import annotations

import pytest

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.private.sealed import SealedPart, read_sealed
from tests.finished import finished_benchmark
from tests.publishing.release.private.withheld import private_params, salted


@pytest.fixture(scope="module")
def params() -> Params:
    return private_params()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Paths:
    """A finished benchmark with its release and private folder; not to be changed."""
    paths = finished_benchmark(tmp_path_factory.mktemp("private"), params)
    salted(paths)
    make_release(params, paths)
    return paths


@pytest.fixture(scope="module")
def sealed(paths: Paths) -> SealedPart:
    return read_sealed(paths.private)
