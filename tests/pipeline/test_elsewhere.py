"""The same commit, params and seeds give the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.conftest import Site, make_site

pytestmark = [pytest.mark.slow, pytest.mark.example]


def test_the_same_inputs_give_the_same_bytes_elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, example_input: Path
) -> None:
    """In another folder, without any cache, with another order of Python's sets."""
    site = make_site(tmp_path / "elsewhere", example_input, hash_seed="7")
    site.run("dvc", "repro")
    built: Site = request.getfixturevalue("built")  # asked for so late that both are built side by side
    assert site.outs == built.outs
    assert len(site.outs) > 30
