"""Photographs that are hard to see are warned of, each for its own fault; each is looked at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter, ImageOps

from fieldguide.checks.expectations import quality
from fieldguide.checks.expectations.quality import ISSUES, photograph_suites
from fieldguide.checks.expectations.run import Outcome, run_suites
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import silent
from fieldguide.corpus.ingest.ingest import ingest
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.corpus.store.shards import read_images
from fieldguide.runtime.progress import show_progress

SIZE = (160, 120)


def textured(size: tuple[int, int] = SIZE, seed: int = 0) -> Image.Image:
    """Coloured tiles: bright and dark, with sharp edges."""
    tiles = np.random.default_rng(seed).integers(0, 256, (max(size[1] // 8, 1), max(size[0] // 8, 1), 3))
    return Image.fromarray(tiles.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)


PICTURES = {
    "dark": textured(seed=21).point(lambda value: value // 16),
    "light": textured(seed=22).point(lambda value: 250 + value // 64),
    "blurry": ImageOps.autocontrast(textured(seed=23).filter(ImageFilter.GaussianBlur(8))),
    "low_information": Image.new("RGB", SIZE, (120, 140, 90)),
    "odd_aspect_ratio": textured((340, 60), seed=24),
    "odd_size": textured((1600, 1200), seed=25),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    root = tmp_path_factory.mktemp("photographs")
    folder = root / "data" / "input" / "photographs" / "apple"
    folder.mkdir(parents=True)
    for number in range(30):  # mostly of one size; the others differ a little, which is no fault
        more = max(0, number - 25)
        textured((SIZE[0] + 9 * more, SIZE[1] + 9 * more), seed=number).save(folder / f"good-{number:02}.png")
    for name, picture in PICTURES.items():
        picture.save(folder / f"{name}.png")
    source = {"name": "own", "kind": "folder", "path": "data/input/photographs", "split": "gallery"}
    made = Paths(root)
    ingest(Ingest.model_validate({"sources": [source]}), made)
    return made


def outcomes(paths: Paths) -> dict[str, Outcome]:
    found = run_suites(photograph_suites(read_images(paths), paths, silent))
    return {outcome.expectation: outcome for outcome in found}


@pytest.mark.parametrize("issue", ISSUES)
def test_a_fault_is_warned_of_and_its_photograph_named(paths: Paths, issue: str) -> None:
    found = outcomes(paths)[f"{ISSUES[issue]} (cleanvision)"]
    assert (found.success, found.severity) == (False, "warning")
    assert any(row.endswith(f" apple/{issue}.png") for row in found.rows)
    assert not any("good-" in row for row in found.rows)


def test_each_photograph_is_looked_at_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    before = outcomes(paths)
    monkeypatch.setattr(quality, "_measure", lambda *_: pytest.fail("looked at again"))
    assert outcomes(paths) == before


def test_what_a_kill_left_half_written_is_measured_again(paths: Paths) -> None:
    before = outcomes(paths)
    (memory,) = (paths.cache / "quality").glob("*.jsonl")
    whole = memory.read_bytes()
    memory.write_bytes(whole[:-30])
    assert outcomes(paths) == before
    assert whole.splitlines()[-1] in memory.read_bytes().splitlines()


def test_a_damaged_shard_is_told_with_the_image(paths: Paths, tmp_path: Path) -> None:
    images = read_images(paths).head(1).assign(sha256="0" * 64, offset=10**9)
    with pytest.raises(FieldguideError, match=f"image {images['image_id'].iloc[0]}: "):
        list(photograph_suites(images, paths, show_progress))


def test_no_photographs_no_warnings(paths: Paths) -> None:
    empty: pd.DataFrame = read_images(paths).head(0)
    assert list(photograph_suites(empty, paths, silent)) == []
