from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.visuals.drawing.drawings import (
    draw_all,
    drawing_seed,
    failures,
    read_drawings,
    styled,
    wanted_drawings,
)
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.topics import Phrase

PHRASES = [Phrase(f"t1.e{n}", text, "template") for n, text in enumerate(["red apple", "pear", "red apple"], 1)]
VALUES = Visualize(generator="mine", images=2, seed=7, generic_prompts=["fruit"], batch=2)


class Painter:
    """Draws noise that prompt and seed determine; refuses some prompts, stops after some drawings."""

    name, revision = "mine", "r1"

    def __init__(self, refuses: Sequence[str] = (), stops_after: int = 10**6, **settings: int) -> None:
        self.settings = settings
        self.drawn: list[tuple[str, int]] = []
        self.refuses, self.stops_after = refuses, stops_after

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        made: list[Image.Image | Refused] = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            if len(self.drawn) == self.stops_after:
                raise KeyboardInterrupt
            self.drawn.append((prompt, seed))
            rng = np.random.default_rng([seed, len(prompt)])
            image = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            made.append(Refused("too dark") if prompt in self.refuses else image)
        return made


def _bytes(paths: Paths) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(paths.drawings.parent.iterdir())}


def _ids(paths: Paths) -> dict[tuple[str, int], str]:
    table = DRAWINGS.read(paths.drawings)
    return {(row.prompt, row.index): row.drawing_id for row in table.itertuples(index=False)}


def test_each_prompt_is_drawn_once_and_read_back(tmp_path: Path) -> None:
    paths, painter = Paths(tmp_path), Painter()
    summary = draw_all(PHRASES, VALUES, painter, paths)
    assert str(summary) == "6 drawn now, 0 drawn before, 0 failed"
    rows = list(read_drawings(paths))
    assert [row.drawing_id for row, _ in rows] == sorted(row.drawing_id for row, _ in rows)
    assert {(row.prompt, row.purpose, row.index) for row, _ in rows} == {
        (prompt, purpose, index)
        for prompt, purpose in (("red apple", "topic"), ("pear", "topic"), ("fruit", "generic"))
        for index in (0, 1)
    }
    for row, image in rows:
        (expected,) = Painter().draw([row.prompt], [row.seed])
        assert isinstance(expected, Image.Image)
        assert image.tobytes() == expected.tobytes()


def test_what_was_drawn_is_never_drawn_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    draw_all(PHRASES, VALUES, Painter(), paths)
    before, again = _bytes(paths), Painter()
    assert str(draw_all(PHRASES, VALUES, again, paths)) == "0 drawn now, 6 drawn before, 0 failed"
    assert again.drawn == []
    assert _bytes(paths) == before


def test_another_prompt_changes_no_other_drawing(tmp_path: Path) -> None:
    paths, more = Paths(tmp_path), Painter()
    draw_all(PHRASES, VALUES, Painter(), paths)
    before = _ids(paths)
    draw_all([Phrase("t0.e1", "a new one", "template"), *PHRASES], VALUES, more, paths)
    assert {prompt for prompt, _ in more.drawn} == {"a new one"}
    after = _ids(paths)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 2


def test_more_images_a_prompt_keep_those_there_are(tmp_path: Path) -> None:
    paths, more = Paths(tmp_path), Painter()
    draw_all(PHRASES, VALUES, Painter(), paths)
    draw_all(PHRASES, VALUES.model_copy(update={"images": 3}), more, paths)
    assert len(more.drawn) == 3


@pytest.mark.parametrize("change", ["settings", "revision", "seed"])
def test_whatever_determines_a_drawing_makes_a_new_one(change: str, tmp_path: Path) -> None:
    paths, painter, values = Paths(tmp_path), Painter(steps=2), VALUES
    draw_all(PHRASES, values, painter, paths)
    before = set(_ids(paths).values())
    if change == "settings":
        painter = Painter(steps=3)
    elif change == "revision":
        painter = Painter(steps=2)
        painter.revision = "r2"
    else:
        values = VALUES.model_copy(update={"seed": 8})
    draw_all(PHRASES, values, painter, paths)
    assert not before & set(_ids(paths).values())


@settings(deadline=None)
@given(stops_after=st.integers(0, 6))
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, stops_after: int) -> None:
    calm, killed = Paths(tmp_path_factory.mktemp("calm")), Paths(tmp_path_factory.mktemp("killed"))
    draw_all(PHRASES, VALUES, Painter(), calm)
    first, second = Painter(stops_after=stops_after), Painter()
    if stops_after < 6:
        with pytest.raises(KeyboardInterrupt):
            draw_all(PHRASES, VALUES, first, killed)
        assert not killed.drawings.exists()
    draw_all(PHRASES, VALUES, second, killed)
    assert _bytes(killed) == _bytes(calm)
    kept = stops_after // VALUES.batch * VALUES.batch if stops_after < 6 else 0
    assert len(second.drawn) == 6 - kept


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_a_damaged_cache_file_is_drawn_anew(damage: bytes | None, tmp_path: Path) -> None:
    paths, again = Paths(tmp_path), Painter()
    draw_all(PHRASES, VALUES, Painter(), paths)
    before = _bytes(paths)
    victim = sorted((paths.cache / "drawings").glob("*/*.png"))[0]
    flipped = bytearray(victim.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    victim.write_bytes(bytes(flipped) if damage is None else damage)
    assert str(draw_all(PHRASES, VALUES, again, paths)) == "1 drawn now, 5 drawn before, 0 failed"
    assert _bytes(paths) == before


def test_a_refused_drawing_is_recorded_and_tried_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    summary = draw_all(PHRASES, VALUES, Painter(refuses=["pear"]), paths)
    assert str(summary) == "4 drawn now, 0 drawn before, 2 failed"
    assert failures(paths) == {"too dark": 2}
    failed = DRAWINGS.read(paths.drawings).query("status == 'failed'")
    assert set(failed["prompt"]) == {"pear"}
    assert failed[["shard", "offset", "size"]].isna().all().all()
    assert {row.prompt for row, _ in read_drawings(paths)} == {"red apple", "fruit"}
    later = Painter()
    assert str(draw_all(PHRASES, VALUES, later, paths)) == "2 drawn now, 4 drawn before, 0 failed"
    assert {prompt for prompt, _ in later.drawn} == {"pear"}


def test_a_copy_of_another_drawing_has_failed(tmp_path: Path) -> None:
    """An endpoint without seeds may send one image again and again; it is one drawing, not three that agree."""

    class Copyist(Painter):
        def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
            return super().draw(
                prompts, [1 if prompt == "pear" else seed for prompt, seed in zip(prompts, seeds, strict=True)]
            )

    paths, values = Paths(tmp_path), VALUES.model_copy(update={"images": 3})
    for summary in ("7 drawn now, 0 drawn before, 2 failed", "0 drawn now, 7 drawn before, 2 failed"):
        assert str(draw_all(PHRASES, values, Copyist(), paths)) == summary
        failed = DRAWINGS.read(paths.drawings).query("status == 'failed'")
        assert set(zip(failed["prompt"], failed["index"], strict=True)) == {("pear", 1), ("pear", 2)}
        assert set(failed["reason"]) == {"a copy of drawing 0 of this prompt: the generator ignores its seed"}


@pytest.mark.parametrize(
    ("style", "prompt", "said"),
    [
        (None, "a photo of a pear", "a photo of a pear"),
        ("sketch", "a photo of a pear, showing the skin", "a pencil sketch of a pear, showing the skin"),
        ("painting", "An image of pears", "an oil painting of pears"),
        ("photograph", "pear", "a photo of pear"),
        ("photograph", "a photo of fruit", "a photo of fruit"),
    ],
)
def test_a_style_words_the_prompt(style: str | None, prompt: str, said: str) -> None:
    assert styled(prompt, style) == said


def test_a_style_is_told_to_the_generator_and_changes_drawings_but_neither_prompts_nor_seeds(tmp_path: Path) -> None:
    paths, painter = Paths(tmp_path), Painter()
    draw_all(PHRASES, VALUES, Painter(), paths)
    before = DRAWINGS.read(paths.drawings)
    draw_all(PHRASES, VALUES.model_copy(update={"style": "sketch"}), painter, paths)
    after = DRAWINGS.read(paths.drawings)
    assert {prompt for prompt, _ in painter.drawn} == {
        "a pencil sketch of red apple", "a pencil sketch of pear", "a pencil sketch of fruit"
    }  # fmt: skip
    columns = ["prompt", "index", "seed"]
    assert sorted(map(tuple, before[columns].values)) == sorted(map(tuple, after[columns].values))
    assert not set(before["drawing_id"]) & set(after["drawing_id"])


def test_generic_prompts_have_to_be_apart() -> None:
    values = VALUES.model_copy(update={"generic_prompts": ["fruit", "pear", "fruit"]})
    with pytest.raises(ProblemsError) as error:
        wanted_drawings(PHRASES, values, Painter())
    assert str(error.value).splitlines() == [
        "drawings of generic prompts have to be apart from those of topics:",
        "  params.yaml: visualize.generic_prompts.1: 'pear' is a topic's phrase too; choose another prompt",
        "  params.yaml: visualize.generic_prompts.2: 'fruit' occurs twice",
    ]


def test_a_drawing_that_goes_missing_while_drawing_is_told(tmp_path: Path) -> None:
    paths = Paths(tmp_path)

    class Thief(Painter):
        def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
            for path in (paths.cache / "drawings").glob("*/*.png"):
                path.unlink()
            return super().draw(prompts, seeds)

    with pytest.raises(FieldguideError, match="removed or damaged while drawing; run the stage again"):
        draw_all(PHRASES, VALUES, Thief(), paths)
    assert not paths.drawings.parent.exists()


@settings(deadline=None)
@given(st.integers(0, 2**62), st.text(max_size=20), st.integers(0, 100))
def test_seeds_fit_the_table(seed: int, prompt: str, index: int) -> None:
    assert 0 <= drawing_seed(seed, prompt, index) < 2**63


def test_seeds_are_as_they_were() -> None:
    """Stored drawings hang on this derivation."""
    assert drawing_seed(7, "a photo of fruit", 0) == 8130403250039271624
