"""The example's real weights on the example's real photographs (of the train split only)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fieldguide.models.available import available_kinds
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.generators.registry import load_generator
from fieldguide.models.loading.protocols import unit_rows
from fieldguide.params import Params, read_params
from fieldguide.queries.knowledge.reading import read_knowledge
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.example
PER_ENTITY = 6
DRAWINGS = 3  # as the demo draws


@pytest.fixture(scope="module")
def params() -> Params:
    return read_params(REPOSITORY / "params.yaml")


@pytest.fixture(scope="module")
def photographs(example_input: Path, params: Params) -> dict[str, list[Image.Image]]:
    """Entity id to some photographs of the train split."""
    table = pq.read_table(example_input / "photographs" / "grocery" / "images.parquet").to_pylist()
    found: dict[str, list[Image.Image]] = {}
    for row in table:
        images = found.setdefault(params.ingest.sources[0].entities[row["finegrained_cat"]], [])
        if row["dataset"] == "train" and len(images) < PER_ENTITY:
            images.append(Image.open(io.BytesIO(row["image_data"])).convert("RGB"))
    return dict(sorted(found.items()))


@pytest.fixture(scope="module")
def names(photographs: dict[str, list[Image.Image]]) -> list[str]:
    entities = read_knowledge(REPOSITORY / "data" / "knowledge").entities
    return [entities[entity].name for entity in photographs]


def _class_means(photographs: dict[str, list[Image.Image]], vectors: np.ndarray) -> np.ndarray:
    return unit_rows(vectors.reshape(len(photographs), PER_ENTITY, -1).mean(1))


def test_every_model_of_params_can_be_used(example_input: Path, params: Params) -> None:
    assert [
        kind
        for kind in available_kinds(params.encoders, params.generators, params.captioners, REPOSITORY)
        if kind.name and not kind.usable
    ] == []


@pytest.mark.parametrize("name", ["mobilenetv2", "conse"])
def test_vectors_of_photographs_do_not_depend_on_the_batch(
    name: str, params: Params, photographs: dict[str, list[Image.Image]]
) -> None:
    encoder = load_encoder(name, params.encoders[name], REPOSITORY)
    images = [images[0] for images in photographs.values()][:7]
    whole = encoder.encode_images(images)
    parts = [encoder.encode_images(images[4:]), encoder.encode_images(images[:1]), encoder.encode_images(images[1:4])]
    assert np.concatenate([parts[1], parts[2], parts[0]]).tobytes() == whole.tobytes()


def test_drawings_and_names_find_their_entity(
    params: Params, photographs: dict[str, list[Image.Image]], names: list[str]
) -> None:
    image = load_encoder("mobilenetv2", params.encoders["mobilenetv2"], REPOSITORY)
    tower = load_encoder("text-tower", params.encoders["text-tower"], REPOSITORY)
    generator = load_generator("flow-matching", params.generators["flow-matching"], REPOSITORY)
    flat = [image for images in photographs.values() for image in images]
    means = _class_means(photographs, image.encode_images(flat))
    right = np.arange(len(names))

    prompts = [f"a photo of {name}" for name in names]
    assert (tower.encode_texts(prompts) @ means.T).argmax(1).tolist() == right.tolist()

    thrice = [prompt for prompt in prompts for _ in range(DRAWINGS)]
    drawings = [drawing for drawing in generator.draw(thrice, range(len(thrice))) if isinstance(drawing, Image.Image)]
    assert len(drawings) == len(thrice)
    drawn = image.encode_images(drawings).reshape(len(names), DRAWINGS, -1).mean(1)
    centred = unit_rows(drawn - drawn.mean(0)) @ unit_rows(means - means.mean(0)).T
    assert (centred.argmax(1) == right).sum() >= 9, names  # of 14; by chance one, here 11


def test_conse_knows_fruit_it_was_never_shown(params: Params, photographs: dict[str, list[Image.Image]]) -> None:
    """ImageNet has classes `orange` and `Granny Smith`."""
    conse = load_encoder("conse", params.encoders["conse"], REPOSITORY)
    some = [photographs[entity] for entity in ("granny-smith", "orange", "watermelon")]
    means = np.stack([conse.encode_images(images).mean(0) for images in some])
    texts = conse.encode_texts(["a photo of Granny Smith apple", "a photo of orange"])
    assert (texts @ means.T).argmax(1).tolist() == [0, 1]
