"""Twins: each caption of a photograph drawn once, in the style of the topics' drawings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldguide.core.files import read_member, sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import twin_items
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.visuals.drawing.drawings import DrawingCache, draw_all
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.queries.visuals.drawing.twins import draw_twins, write_no_twins
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.topics import Phrase

VALUES = Visualize(generator="mine", images=3, seed=7, generic_prompts=["fruit"], batch=2)


class Painter:
    """Draws noise that prompt and seed determine; refuses some prompts."""

    name, revision = "mine", "r1"

    def __init__(self, *refuses: str) -> None:
        self.settings: dict[str, int] = {}
        self.told: list[str] = []
        self.refuses = refuses

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        self.told += prompts
        made: list[Image.Image | Refused] = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            pixels = np.random.default_rng([seed, len(prompt)]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            made.append(Refused("too dark") if prompt in self.refuses else Image.fromarray(pixels))
        return made


def caption(kind: str, key: str, text: str | None) -> dict[str, str | None]:
    row = {"kind": kind, "key": key, "text": text, "captioner": "tiny", "revision": "r1"}
    return row | {"status": "ok" if text else "failed", "reason": None if text else "it refused"}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path)
    rows = [
        caption("image", "i1", "a red apple"), caption("image", "i2", "a pear"), caption("image", "i3", "a red apple"),
        caption("image", "i4", None), caption("drawing", "d1", "a drawing of a plum"),
    ]  # fmt: skip
    CAPTIONS.write(made.captions, CAPTIONS.frame(sorted(rows, key=lambda row: str(row["key"]))))
    return made


def test_each_caption_of_a_photograph_is_drawn_once(paths: Paths) -> None:
    painter = Painter()
    assert str(draw_twins(VALUES, painter, paths)) == "2 drawn now, 0 drawn before, 0 failed"
    table = DRAWINGS.read(paths.twins)
    assert set(zip(table["prompt"], table["purpose"], table["index"], strict=True)) == {
        ("a red apple", "twin", 0), ("a pear", "twin", 0),
    }  # fmt: skip
    assert sorted(painter.told) == ["a pear", "a red apple"]
    cache = DrawingCache(paths.cache / "drawings")
    for item in twin_items(table, paths):
        data = read_member(*item.payload)
        assert (item.kind, item.content) == ("twin", sha256_bytes(data))
        assert data == cache.require(item.key)


def test_a_second_run_draws_nothing_and_writes_the_same_bytes(paths: Paths) -> None:
    draw_twins(VALUES, Painter(), paths)
    before = {path.name: path.read_bytes() for path in paths.twins.parent.iterdir()}
    again = Painter()
    assert str(draw_twins(VALUES, again, paths)) == "0 drawn now, 2 drawn before, 0 failed"
    assert again.told == []
    assert {path.name: path.read_bytes() for path in paths.twins.parent.iterdir()} == before
    assert paths.captions.exists()  # which lies one folder up


def test_a_twin_is_the_first_drawing_of_a_phrase_with_the_same_words(paths: Paths) -> None:
    draw_all([Phrase("t1.e1", "a pear", "template")], VALUES, Painter(), paths)
    painter = Painter()
    assert str(draw_twins(VALUES, painter, paths)) == "1 drawn now, 1 drawn before, 0 failed"
    assert painter.told == ["a red apple"]
    drawings, twins = DRAWINGS.read(paths.drawings), DRAWINGS.read(paths.twins)
    shared = set(drawings["drawing_id"]) & set(twins["drawing_id"])
    assert list(drawings.loc[drawings["drawing_id"].isin(shared), "index"]) == [0]


def test_twins_have_the_style_of_the_topics_drawings(paths: Paths) -> None:
    painter = Painter()
    draw_twins(VALUES.model_copy(update={"style": "sketch"}), painter, paths)
    assert sorted(painter.told) == ["a pencil sketch of a pear", "a pencil sketch of a red apple"]


def test_what_is_refused_is_recorded_and_drawn_by_the_next_run(paths: Paths) -> None:
    assert str(draw_twins(VALUES, Painter("a pear"), paths)) == "1 drawn now, 0 drawn before, 1 failed"
    table = DRAWINGS.read(paths.twins).set_index("prompt")
    assert tuple(table.loc["a pear", ["status", "reason"]]) == ("failed", "too dark")
    assert len(twin_items(DRAWINGS.read(paths.twins), paths)) == 1
    assert str(draw_twins(VALUES, Painter(), paths)) == "1 drawn now, 1 drawn before, 0 failed"


def test_without_twins_there_is_an_empty_table(paths: Paths) -> None:
    draw_twins(VALUES, Painter(), paths)
    write_no_twins(paths)
    assert len(DRAWINGS.read(paths.twins)) == 0
    assert [path.name for path in paths.twins.parent.iterdir()] == ["twins.parquet"]
