"""What a conditioned generator looks at is never what is searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fieldguide.core.errors import ProblemsError
from fieldguide.core.paths import Places
from fieldguide.corpus.references import read_references
from fieldguide.corpus.shards import iter_images, read_images
from fieldguide.models.protocols import ConditionedGenerator, Refused
from fieldguide.queries.visuals.drawings import draw_all
from fieldguide.queries.visuals.section import Visualize
from fieldguide.records.drawings import DRAWING_REFERENCES, DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.texts import Phrase, read_phrases
from tests.builders import GENERIC_PROMPT, tiny_benchmark

VALUES = Visualize(generator="mine", images=2, seed=7, generic_prompts=[GENERIC_PROMPT], batch=3)


@pytest.fixture
def places(tmp_path: Path) -> Places:
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


def draw(places: Places) -> Imitator:
    generator = Imitator()
    assert isinstance(generator, ConditionedGenerator)
    draw_all(read_phrases(places.phrases), VALUES, generator, places)
    return generator


def test_topics_look_at_photographs_of_their_entity_and_generic_prompts_at_none(places: Places) -> None:
    generator = draw(places)
    images = read_images(places)
    train = images[images["split"] == "train"]
    pixels = {row.image_id: (row.entity_id, image.tobytes()) for row, image in iter_images(places, train)}
    assert set(generator.alone) == {GENERIC_PROMPT}
    names = {"a photo of Granny Smith apple": "granny-smith", "a photo of satsuma": "satsuma"}
    for phrase, entity in names.items():
        assert generator.shown[phrase] == [pixels[i][1] for i in sorted(pixels) if pixels[i][0] == entity]


def test_what_was_looked_at_is_recorded_and_is_in_no_pool(places: Places) -> None:
    draw(places)
    shown = DRAWING_REFERENCES.read(places.drawing_references)
    drawings = DRAWINGS.read(places.drawings)
    assert len(shown) == 3 * VALUES.images * Imitator.references  # three entities
    assert set(shown["drawing_id"]) == set(drawings.loc[drawings["purpose"] == "topic", "drawing_id"])
    images = read_images(places).set_index("image_id")
    assert set(images.loc[shown["image_id"], "split"]) == {"train"}
    assert not set(shown["image_id"]) & set(POOLS.read(places.pools)["image_id"])


def test_other_photographs_make_other_drawings(places: Places) -> None:
    draw(places)
    before = DRAWINGS.read(places.drawings).set_index("prompt")["drawing_id"]
    images = IMAGES.read(places.images)
    satsumas = images[(images["entity_id"] == "satsuma") & (images["split"] == "train")]
    images.loc[satsumas.index[0], "entity_id"] = None
    IMAGES.write(places.images, images)
    again = draw(places)
    after = DRAWINGS.read(places.drawings).set_index("prompt")["drawing_id"]
    assert set(again.shown) == {"a photo of satsuma"}
    same = before.index != "a photo of satsuma"
    assert set(before[same]) <= set(after)
    assert not set(before[~same]) & set(after)


def test_near_duplicates_of_the_gallery_and_of_each_other_are_left_out(places: Places) -> None:
    images = IMAGES.read(places.images)
    of = images["entity_id"] == "satsuma"
    first, second = images.index[of & (images["split"] == "train")]
    searched = images.index[of & (images["split"] == "gallery")][0]
    phrases = [p for p in read_phrases(places.phrases) if p.text == "a photo of satsuma"]

    def chosen(**near: int) -> tuple[str, ...]:
        frame = images.copy()
        for name, to in near.items():
            frame.loc[{"first": first, "second": second, "searched": searched}[name], "near_duplicate_of"] = images[
                "image_id"
            ][to]
        IMAGES.write(places.images, frame)
        return read_references(places, phrases, 9).of("a photo of satsuma")

    both = (images["image_id"][first], images["image_id"][second])
    assert chosen() == both
    assert chosen(second=first) == both[:1]
    assert chosen(second=searched) == both[:1]
    assert chosen(searched=first) == both[1:]
    assert chosen(searched=first, second=first) == ()


def test_an_entity_without_photographs_is_recorded_as_failed(places: Places) -> None:
    images = IMAGES.read(places.images)
    images.loc[(images["entity_id"] == "satsuma") & (images["split"] == "train"), "split"] = "gallery"
    IMAGES.write(places.images, images)
    draw(places)
    failed = DRAWINGS.read(places.drawings).query("status == 'failed'")
    assert set(failed["prompt"]) == {"a photo of satsuma"}
    assert set(failed["reason"]) == {"there is no reference photograph"}


def test_phrases_whose_entity_is_not_clear_are_told_at_once(places: Places) -> None:
    known = read_phrases(places.phrases)
    phrases = [Phrase(p.subtopic_id, "a photo of fruit", "template") for p in known] + [Phrase("t0.e9", "x", "chat")]
    with pytest.raises(ProblemsError) as error:
        read_references(places, phrases, 1)
    lines = str(error.value).splitlines()
    assert lines[0] == "reference photographs cannot be chosen for these phrases:"
    assert lines[1] == f"  {places.phrases}: t0.e9: is no subtopic of {places.topics}; run `dvc repro rewrite`"
    assert lines[2] == (
        f"  {places.phrases}: 'a photo of fruit': is the phrase of several entities "
        "(granny-smith, red-delicious, satsuma); let each be named in it"
    )
