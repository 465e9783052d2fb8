"""Stage `caption`: each image once, failures recorded and tried again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from fieldguide.core.files import sha256_file
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.visuals.captioning.captions import caption_all, captioned_items, write_no_captions
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.images import IMAGES
from tests.builders import tiny_benchmark


class Captioner:
    """Says how large an image is and what its first pixel is; `refuses` of its images, and dies at `dies`."""

    name = "by-size"

    def __init__(self, revision: str = "r1", refuses: int = 0, dies: int = 10**6) -> None:
        self.revision, self.refuses, self.dies = revision, refuses, dies
        self.asked = 0

    def caption(self, images: Sequence[Image.Image]) -> list[str | Refused]:
        answers: list[str | Refused] = []
        for image in images:
            self.asked += 1
            if self.asked > self.dies:
                raise KeyboardInterrupt
            seen = f"{image.width} pixels, {image.getpixel((0, 0))}, {self.revision}"
            answers.append(Refused("too dark") if self.asked <= self.refuses else seen)
        return answers


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return tiny_benchmark(tmp_path)


def test_the_gallery_and_the_topics_drawings_are_captioned(paths: Paths) -> None:
    captioner, items = Captioner(), captioned_items(paths)
    summary = caption_all(items, captioner, paths, batch=4)
    table = CAPTIONS.read(paths.captions)
    images, drawings = IMAGES.read(paths.images), DRAWINGS.read(paths.drawings)
    assert set(table.loc[table["kind"] == "image", "key"]) == set(images.loc[images["split"] == "gallery", "image_id"])
    topical = set(drawings.loc[drawings["purpose"] == "topic", "drawing_id"])
    assert set(table.loc[table["kind"] == "drawing", "key"]) == topical
    assert str(summary) == f"{len(items)} captioned now, 0 captioned before, 0 failed"
    assert table["text"].str.startswith(("24 pixels", "8 pixels")).all()


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(paths: Paths) -> None:
    items = captioned_items(paths)
    caption_all(items, Captioner(), paths, batch=4)
    before, again = sha256_file(paths.captions), Captioner()
    assert caption_all(items, again, paths, batch=3).cached == len(items)
    assert (again.asked, sha256_file(paths.captions)) == (0, before)
    other = Captioner("r2")
    caption_all(items, other, paths, batch=3)
    assert other.asked == len(items)
    assert CAPTIONS.read(paths.captions)["text"].str.endswith("r2").all()


def test_what_failed_is_recorded_and_tried_again(paths: Paths) -> None:
    items = captioned_items(paths)
    summary = caption_all(items, Captioner(refuses=2), paths, batch=2)
    assert summary.failed == 2
    table = CAPTIONS.read(paths.captions)
    failed = table[table["status"] == "failed"]
    assert failed["reason"].tolist() == ["too dark"] * 2
    assert failed["text"].isna().all()
    again = Captioner()
    assert caption_all(items, again, paths, batch=2).failed == 0
    assert again.asked == 2


def test_a_run_that_was_killed_goes_on_from_its_last_batch(paths: Paths) -> None:
    items = captioned_items(paths)
    with pytest.raises(KeyboardInterrupt):
        caption_all(items, Captioner(dies=7), paths, batch=3)
    assert not paths.captions.exists()
    rest = Captioner()
    caption_all(items, rest, paths, batch=3)
    assert rest.asked == len(items) - 6


def test_without_a_captioner_the_table_is_empty(paths: Paths) -> None:
    write_no_captions(paths)
    assert CAPTIONS.read(paths.captions).empty
