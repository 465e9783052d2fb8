"""Images of the gallery that were generated are warned of with what tells it; each is looked at once."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from fieldguide.checks.expectations import generated
from fieldguide.checks.expectations.generated import generated_suites
from fieldguide.checks.expectations.run import Outcome, run_suites
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import write_tar
from fieldguide.core.paths import Paths
from fieldguide.core.progress import silent
from fieldguide.corpus.ingest.ingest import ingest
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.corpus.store.shards import read_images
from fieldguide.records.drawings import DRAWINGS
from tests.checks.expectations.marked_images import SETTINGS, VOCABULARY, jpeg_with, manifest, png, saved

DRAWN, ONCE_MORE = saved("PNG", seed=7), "d" * 64
"""The benchmark's own drawing, and the id of another one."""


def again(data: bytes, form: str, brighter: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(data)).point(lambda value: value + brighter).save(stream, form)
    return stream.getvalue()


FILES = {
    "gallery/fig/claimed.jpg": jpeg_with(manifest(VOCABULARY + "trainedAlgorithmicMedia")),
    "gallery/fig/both.png": png(parameters=SETTINGS, Software="NovelAI"),
    "gallery/fig/drawn.png": DRAWN,
    "gallery/fig/drawn-otherwise.bmp": again(DRAWN, "BMP"),
    "gallery/fig/nearly-drawn.bmp": again(DRAWN, "BMP", brighter=1),
    "gallery/fig/photograph.jpg": saved("JPEG", seed=3),
    "train/fig/learnt.png": png(parameters=SETTINGS),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    made = Paths(tmp_path_factory.mktemp("generated"))
    for name, data in FILES.items():
        path = made.input / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    sources = [
        {"name": split, "kind": "folder", "path": f"data/input/{split}", "split": split}
        for split in ("gallery", "train")
    ]
    ingest(Ingest.model_validate({"sources": sources}), made)
    placed = write_tar(made.drawings.parent / "d.tar", [("a.png", DRAWN), ("b.png", saved("PNG", seed=9))])
    rows = [
        {"drawing_id": drawing, "prompt": "a fig", "purpose": "topic", "index": n, "seed": n, "generator": "g",
         "revision": "r", "status": "ok", "reason": None, "shard": "d.tar", "offset": place.offset, "size": place.size}
        for n, (drawing, place) in enumerate(zip(("a" * 64, ONCE_MORE), placed, strict=True))
    ]  # fmt: skip
    failed = rows[0] | {"drawing_id": "f" * 64, "status": "failed", "shard": None, "offset": None, "size": None}
    DRAWINGS.write(made.drawings, DRAWINGS.frame([*rows, failed]))
    return made


def outcome(paths: Paths) -> Outcome:
    (found,) = run_suites(generated_suites(read_images(paths), DRAWINGS.read(paths.drawings), paths, silent))
    return found


def test_each_is_named_with_what_tells_it(paths: Paths) -> None:
    found = outcome(paths)
    assert (found.table, found.success, found.severity) == ("images", False, "warning")
    assert sorted(row.partition(" ")[2] for row in found.rows) == [
        "fig/both.png text `Software` of NovelAI; text `parameters` of Stable Diffusion web UI",
        "fig/claimed.jpg C2PA manifest: trainedAlgorithmicMedia",
        f"fig/drawn-otherwise.bmp pixels of drawing {'a' * 64}",
        f"fig/drawn.png pixels of drawing {'a' * 64}",
    ]


def test_each_is_looked_at_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    before = outcome(paths)
    for name in ("generation_marks", "inspect_image"):
        monkeypatch.setattr(generated, name, lambda *_: pytest.fail("looked at again"))
    assert outcome(paths) == before


def test_without_drawings_metadata_tells(paths: Paths) -> None:
    (found,) = run_suites(generated_suites(read_images(paths), DRAWINGS.frame([]), paths, silent))
    assert found.unexpected == 2


def test_a_gallery_of_photographs_passes(paths: Paths) -> None:
    images = read_images(paths)
    photographs = images[images["source_key"].isin(["fig/photograph.jpg", "fig/nearly-drawn.bmp"])]
    (found,) = run_suites(generated_suites(photographs, DRAWINGS.read(paths.drawings), paths, silent))
    assert found.success
    empty: pd.DataFrame = images.head(0)
    assert list(generated_suites(empty, DRAWINGS.read(paths.drawings), paths, silent)) == []


def test_a_damaged_shard_is_told_with_the_drawing(paths: Paths) -> None:
    drawings = DRAWINGS.read(paths.drawings).assign(drawing_id="e" * 64, offset=10**9)
    with pytest.raises(FieldguideError, match=f"image {'e' * 64}: "):
        list(generated_suites(read_images(paths), drawings.head(1), paths, silent))


def test_folders_that_a_table_names_are_not_left(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "other.tar").write_bytes(DRAWN)
    drawings = DRAWINGS.read(paths.drawings).assign(drawing_id="9" * 64, shard=str(tmp_path / "other.tar"), offset=0)
    with pytest.raises(FieldguideError, match="shard is missing"):
        list(generated_suites(read_images(paths), drawings.head(1), paths, silent))
