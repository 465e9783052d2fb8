from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from PIL import Image

from fieldguide.models.generators.flow_matching import sample
from fieldguide.models.networks.unet import UNet, UNetConfig
from fieldguide.retrieval.training.generator import Examples, Recipe, prepare, train
from fieldguide.retrieval.training.phrasings import phrasings
from fieldguide.retrieval.training.text_tower import TowerRecipe, train_tower

T = TypeVar("T")
CONFIG = UNetConfig(16, 2, (32, 32), (1, 1), embedding=32)
RECIPE = Recipe(steps=12, batch=4, learning_rate=2e-3, seed=3, warmup=5, checkpoint_every=5, ema=0.9)


def _phrases(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=384)
    vectors = (centre + 0.2 * rng.normal(size=(count, 384))).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _examples() -> Examples:
    """Two entities: dark red and bright green squares."""
    colours = [(120, 10, 10), (60, 220, 60)]
    pixels = np.array([np.full((20, 20, 3), colours[n % 2]) for n in range(8)], dtype=np.uint8)
    labels = np.arange(8) % 2
    return Examples(pixels, labels, [_phrases(5, 1), _phrases(3, 2)], _phrases(2, 3))


def _weights(network: torch.nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def killed_after_seven(items: Iterable[T], what: str, *, unit: str = "", total: int | None = None) -> Iterator[T]:
        for n, item in enumerate(items):
            if n == 7:
                raise KilledError
            yield item

    undisturbed = train(_examples(), CONFIG, RECIPE)
    checkpoint = tmp_path / "c" / "checkpoint.safetensors"
    with pytest.raises(KilledError):
        train(_examples(), CONFIG, RECIPE, checkpoint=checkpoint, track=killed_after_seven)
    assert checkpoint.exists()
    steps: list[int] = []

    def count(items: Iterable[T], what: str, *, unit: str = "", total: int | None = None) -> Iterator[T]:
        for item in items:
            steps.append(item)  # type: ignore[arg-type]
            yield item

    resumed = train(_examples(), CONFIG, RECIPE, checkpoint=checkpoint, track=count)
    assert steps == list(range(5, 12))
    assert _weights(resumed) == _weights(undisturbed)


def test_another_seed_gives_other_weights() -> None:
    first = train(_examples(), CONFIG, RECIPE)
    again = train(_examples(), CONFIG, RECIPE)
    other = train(_examples(), CONFIG, Recipe(**{**RECIPE.__dict__, "seed": 4}))
    assert _weights(first) == _weights(again)
    assert _weights(first) != _weights(other)


def test_the_generator_learns_to_draw_what_a_phrase_says() -> None:
    examples = _examples()
    told: list[tuple[int, float]] = []
    recipe = Recipe(steps=200, batch=8, learning_rate=2e-3, seed=1, warmup=10, ema=0.95)
    network = train(examples, CONFIG, recipe, report=lambda step, loss: told.append((step, loss)))
    assert [step for step, _ in told] == [100, 200]
    assert told[1][1] < told[0][1]
    with torch.inference_mode():
        drawn = [
            sample(network, torch.from_numpy(p[seed : seed + 1]), seed, 6, 2.0).mean((1, 2))
            for p in examples.phrases
            for seed in range(3)
        ]
    for red, green in zip(drawn[:3], drawn[3:], strict=True):
        assert red[0] > red[1]
        assert green[1] > green[0]


def test_photographs_become_centre_squares() -> None:
    wide = Image.new("RGB", (90, 30), "blue")
    wide.paste("red", (30, 0, 60, 30))
    made = prepare([wide, wide.rotate(90, expand=True)], 16, 0.25)
    assert made.shape == (2, 20, 20, 3)
    assert (made[:, 2:-2, 2:-2] == (255, 0, 0)).all()


def test_the_tower_brings_phrases_to_their_photographs() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 24))
    labels = np.repeat(np.arange(3), 10)
    photographs = (centres[labels] + 0.3 * rng.normal(size=(30, 24))).astype(np.float32)
    photographs /= np.linalg.norm(photographs, axis=1, keepdims=True)
    phrases = [_phrases(6, seed) for seed in range(3)]
    recipe = TowerRecipe(epochs=30, learning_rate=1e-2, seed=1, batch=16)
    tower = train_tower(photographs, labels, [p[:4] for p in phrases], recipe)
    with torch.inference_mode():
        unseen = [tower(torch.from_numpy(p[4:])).numpy() for p in phrases]
    for entity, vectors in enumerate(unseen):
        assert (labels[(vectors @ photographs.T).argmax(1)] == entity).all()
    assert _weights(train_tower(photographs, labels, [p[:4] for p in phrases], recipe)) == _weights(tower)


def test_phrasings_are_each_once_and_in_order() -> None:
    found = phrasings(["Bosc pear", "Kaiser"], ["skin", "stem end"])
    assert len(found) == len(set(found))
    assert found[0] == "Bosc pear"
    assert "a photo of Bosc pear, showing the stem end" in found
    assert "a photo of Kaiser, showing the skin" in found
    assert found == phrasings(["Bosc pear", "Kaiser", "Kaiser"], ["skin", "stem end"])


def test_the_shipped_weights_are_small_and_safe() -> None:
    from tests.conftest import REPOSITORY

    folder = REPOSITORY / "data" / "models"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.relative_to(folder).as_posix() for path in files} == {
        "generator/config.json", "generator/model.safetensors", "generator/photographs.txt",
        "text-tower/config.json", "text-tower/model.safetensors", "text-tower/photographs.txt",
    }  # fmt: skip
    assert sum(path.stat().st_size for path in files) <= 10.5 * 2**20
    config = json.loads((folder / "generator" / "config.json").read_text())
    assert len(config["entities"]) == 14
    network = UNet(UNetConfig.from_json(config["network"]))
    assert 4e6 < sum(p.numel() for p in network.parameters()) < 4.3e6
