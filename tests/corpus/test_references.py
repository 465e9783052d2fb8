"""What a conditioned generator looks at is never what is searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldguide.core.errors import ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.references import read_references
from fieldguide.corpus.store.shards import iter_images, read_images
from fieldguide.models.loading.protocols import ConditionedGenerator, Refused
from fieldguide.queries.visuals.drawing.drawings import draw_all
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.records.drawings import DRAWING_REFERENCES, DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.topics import Phrase, read_phrases
from tests.builders import GENERIC_PROMPT, tiny_benchmark

VALUES = Visualize(generator="mine", images=2, seed=7, generic_prompts=[GENERIC_PROMPT], batch=3)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return tiny_benchmark(tmp_path)


class Imitator:
    """Draws noise that prompt, seed and photographs determine."""

    name, revision, settings, references = "mine", "r1", dict[str, int](), 2

    def __init__(self) -> None:
        self.alone: list[str] = []
        self.shown: dict[str, list[bytes]] = {}

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        self.alone += prompts
        return [self._noise(prompt, seed, b"") for prompt, seed in zip(prompts, seeds, strict=True)]

    def draw_like(
        self, prompts: Sequence[str], seeds: Sequence[int], photographs: Sequence[Sequence[Image.Image]]
    ) -> list[Image.Image | Refused]:
        made: list[Image.Image | Refused] = []
        for prompt, seed, shown in zip(prompts, seeds, photographs, strict=True):
            self.shown[prompt] = [photograph.tobytes() for photograph in shown]
            none = Refused("there is no reference photograph")
            made.append(self._noise(prompt, seed, b"".join(self.shown[prompt])) if shown else none)
        return made

    def _noise(self, prompt: str, seed: int, shown: bytes) -> Image.Image:
        rng = np.random.default_rng([seed, len(prompt), *shown[:8]])
        return Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))


def draw(paths: Paths) -> Imitator:
    generator = Imitator()
    assert isinstance(generator, ConditionedGenerator)
    draw_all(read_phrases(paths.phrases), VALUES, generator, paths)
    return generator


def test_topics_look_at_photographs_of_their_entity_and_generic_prompts_at_none(paths: Paths) -> None:
    generator = draw(paths)
    images = read_images(paths)
    train = images[images["split"] == "train"]
    pixels = {row.image_id: (row.entity_id, image.tobytes()) for row, image in iter_images(paths, train)}
    assert set(generator.alone) == {GENERIC_PROMPT}
    names = {"a photo of Granny Smith apple": "granny-smith", "a photo of satsuma": "satsuma"}
    for phrase, entity in names.items():
        assert generator.shown[phrase] == [pixels[i][1] for i in sorted(pixels) if pixels[i][0] == entity]


def test_what_was_looked_at_is_recorded_and_is_in_no_pool(paths: Paths) -> None:
    draw(paths)
    shown = DRAWING_REFERENCES.read(paths.drawing_references)
    drawings = DRAWINGS.read(paths.drawings)
    assert len(shown) == 3 * VALUES.images * Imitator.references  # three entities
    assert set(shown["drawing_id"]) == set(drawings.loc[drawings["purpose"] == "topic", "drawing_id"])
    images = read_images(paths).set_index("image_id")
    assert set(images.loc[shown["image_id"], "split"]) == {"train"}
    assert not set(shown["image_id"]) & set(POOLS.read(paths.pools)["image_id"])


def test_other_photographs_make_other_drawings(paths: Paths) -> None:
    draw(paths)
    before = DRAWINGS.read(paths.drawings).set_index("prompt")["drawing_id"]
    images = IMAGES.read(paths.images)
    satsumas = images[(images["entity_id"] == "satsuma") & (images["split"] == "train")]
    images.loc[satsumas.index[0], "entity_id"] = None
    IMAGES.write(paths.images, images)
    again = draw(paths)
    after = DRAWINGS.read(paths.drawings).set_index("prompt")["drawing_id"]
    assert set(again.shown) == {"a photo of satsuma"}
    same = before.index != "a photo of satsuma"
    assert set(before[same]) <= set(after)
    assert not set(before[~same]) & set(after)


def test_near_duplicates_of_the_gallery_and_of_each_other_are_left_out(paths: Paths) -> None:
    images = IMAGES.read(paths.images)
    of = images["entity_id"] == "satsuma"
    first, second = images.index[of & (images["split"] == "train")]
    searched = images.index[of & (images["split"] == "gallery")][0]
    phrases = [p for p in read_phrases(paths.phrases) if p.text == "a photo of satsuma"]

    def chosen(**near: int) -> tuple[str, ...]:
        frame = images.copy()
        for name, to in near.items():
            frame.loc[{"first": first, "second": second, "searched": searched}[name], "near_duplicate_of"] = images[
                "image_id"
            ][to]
        IMAGES.write(paths.images, frame)
        return read_references(paths, phrases, 9).of("a photo of satsuma")

    both = (images["image_id"][first], images["image_id"][second])
    assert chosen() == both
    assert chosen(second=first) == both[:1]
    assert chosen(second=searched) == both[:1]
    assert chosen(searched=first) == both[1:]
    assert chosen(searched=first, second=first) == ()


def test_an_entity_without_photographs_is_recorded_as_failed(paths: Paths) -> None:
    images = IMAGES.read(paths.images)
    images.loc[(images["entity_id"] == "satsuma") & (images["split"] == "train"), "split"] = "gallery"
    IMAGES.write(paths.images, images)
    draw(paths)
    failed = DRAWINGS.read(paths.drawings).query("status == 'failed'")
    assert set(failed["prompt"]) == {"a photo of satsuma"}
    assert set(failed["reason"]) == {"there is no reference photograph"}


def test_phrases_whose_entity_is_not_clear_are_told_at_once(paths: Paths) -> None:
    known = read_phrases(paths.phrases)
    phrases = [Phrase(p.subtopic_id, "a photo of fruit", "template") for p in known] + [Phrase("t0.e9", "x", "chat")]
    with pytest.raises(ProblemsError) as error:
        read_references(paths, phrases, 1)
    lines = str(error.value).splitlines()
    assert lines[0] == "reference photographs cannot be chosen for these phrases:"
    assert lines[1] == f"  {paths.phrases}: t0.e9: is no subtopic of {paths.topics}; run `dvc repro rewrite`"
    assert lines[2] == (
        f"  {paths.phrases}: 'a photo of fruit': is the phrase of several entities "
        "(granny-smith, red-delicious, satsuma); let each be named in it"
    )
