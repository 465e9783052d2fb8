"""What `fieldguide train` trains: a network of the benchmark's own, on the photographs of its train split."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldguide.core.files import content_key
from fieldguide.core.progress import Track, silent
from fieldguide.models.encoders.section import TextTowerEncoder
from fieldguide.models.generators.section import FlowMatchingGenerator
from fieldguide.models.networks import stored
from fieldguide.retrieval.training.section import TrainGenerator, TrainTextTower
from fieldguide.retrieval.training.train_split import TrainSplit

if TYPE_CHECKING:
    from torch import nn

    from fieldguide.models.networks.tower import Tower

Say = Callable[[str], None]
_FEW = 20
"""Photographs of an entity below which a generator draws it badly: the example's entities have 27 to 100."""
_TIMED = 32
"""Photographs on which a training is timed."""


class Job(ABC):
    """One network to train into `folder`."""

    role: str
    folder: Path

    def __init__(self, split: TrainSplit) -> None:
        self.split = split

    @property
    @abstractmethod
    def made(self) -> dict[str, Any]:
        """What its config.json says of how it is made, as far as that is known before."""

    @abstractmethod
    def train(self, track: Track, say: Say) -> tuple[nn.Module, dict[str, Any]]:
        """Train it, minutes to an hour; returns it with its shape, for config.json."""

    @abstractmethod
    def seconds(self) -> float:
        """How long that takes on this machine, from a few steps."""

    def is_done(self) -> bool:
        """Whether the folder holds what this training would make: the same recipe, entities and photographs."""
        if not stored.holds(self.folder, self.made | {"entities": self.split.entities}):
            return False
        training = stored.training_of(self.folder)
        return training is not None and training.photographs == set(self.split.images["image_id"])

    def run(self, track: Track = silent, say: Say = print) -> None:
        """Train; the folder's former weights stay until the new ones are whole."""
        network, shape = self.train(track, say)
        config = self.made | {"entities": self.split.entities, "network": shape}
        stored.save(self.folder, network, config, self.split.images["image_id"])
        say(f"{len(self.split.images)} photographs of {len(self.split.entities)} entities: {self.folder}")

    def outlook(self, asked: Sequence[str]) -> list[str]:
        """What the network will be able to do, and what not.

        Args:
            asked: the entities that the benchmark describes.
        """
        counts = self.split.images["entity_id"].value_counts()
        lines = [f"{len(self.split.images)} photographs of {len(counts)} entities, split {self.split.name}"]
        missing = sorted(set(asked) - set(self.split.entities))
        if missing:
            lines.append(f"it will not know what the split has no photograph of: {', '.join(missing)}")
        few = sorted(f"{entity} ({count})" for entity, count in counts.items() if count < _FEW)
        if few and self.role == "generator":
            lines.append(f"fewer than {_FEW} photographs, drawn badly: {', '.join(few)}")
        return lines


class GeneratorJob(Job):
    """The flow-matching generator."""

    role = "generator"

    def __init__(self, split: TrainSplit, values: TrainGenerator, spec: FlowMatchingGenerator) -> None:
        from fieldguide.models.networks.unet import UNetConfig
        from fieldguide.retrieval.training.generator import Recipe

        super().__init__(split)
        self.folder = split.paths.root / spec.path
        self.text = split.paths.root / spec.text
        self.network = UNetConfig.for_images(values.size, values.channels)
        self.recipe = Recipe(
            steps=values.steps, batch=values.batch, learning_rate=values.learning_rate, seed=values.seed
        )

    @property
    def made(self) -> dict[str, Any]:
        """See `Job`."""
        return {"network": self.network.to_json(), "recipe": asdict(self.recipe)}

    def train(self, track: Track, say: Say) -> tuple[nn.Module, dict[str, Any]]:
        """See `Job`. A killed training goes on from its last checkpoint."""
        from fieldguide.retrieval.training.generator import train

        key = content_key(images=self.split.images["sha256"].tolist(), phrases=self.split.phrases, **self.made)
        checkpoint = self.split.paths.cache / "training" / f"{key}.safetensors"
        network = train(
            self._examples(self.split), self.network, self.recipe, checkpoint=checkpoint, track=track,
            report=lambda step, loss: say(f"step {step} of {self.recipe.steps}: loss {loss:.4f}"),
        )  # fmt: skip
        checkpoint.unlink(missing_ok=True)
        return network, self.network.to_json()

    def seconds(self) -> float:
        """See `Job`."""
        from fieldguide.retrieval.training.generator import train

        examples, steps = self._examples(self.split.first(_TIMED)), 3
        train(examples, self.network, replace(self.recipe, steps=1))  # the first step pays for what comes once
        start = time.perf_counter()
        train(examples, self.network, replace(self.recipe, steps=steps))
        return (time.perf_counter() - start) / steps * self.recipe.steps

    def _examples(self, split: TrainSplit) -> Any:
        from fieldguide.models.networks.sentences import SentenceEncoder
        from fieldguide.retrieval.training.generator import Examples, prepare

        sentences = SentenceEncoder(self.text)
        return Examples(
            prepare(split.photographs(), self.network.size, self.recipe.margin),
            split.labels,
            [sentences.encode(phrases) for phrases in split.phrases],
            sentences.encode(split.generic),
        )


class TextTowerJob(Job):
    """The text tower over an image network's features."""

    role = "text-tower"

    def __init__(self, split: TrainSplit, values: TrainTextTower, spec: TextTowerEncoder) -> None:
        from fieldguide.retrieval.training.text_tower import TowerRecipe

        super().__init__(split)
        self.spec = spec
        self.folder = split.paths.root / spec.tower
        self.recipe = TowerRecipe(epochs=values.epochs, learning_rate=values.learning_rate, seed=values.seed)

    @property
    def made(self) -> dict[str, Any]:
        """See `Job`."""
        return {"recipe": asdict(self.recipe)}

    def train(self, track: Track, say: Say) -> tuple[nn.Module, dict[str, Any]]:
        """See `Job`."""
        tower = self._trained(self.split, self.recipe.epochs, track)
        return tower, tower.shape

    def seconds(self) -> float:
        """See `Job`."""
        few, some = self.split.first(_TIMED // 4), self.split.first(_TIMED)
        self._timed(few, 1)  # the first one pays for what comes once
        base, more, longer = self._timed(few, 1), self._timed(some, 1), self._timed(some, 3)
        photograph = (more - base) / max(1, len(some.images) - len(few.images))
        epoch = (longer - more) / 2
        rest = len(self.split.images) - len(some.images)
        return more + max(0.0, rest * photograph) + max(0.0, (self.recipe.epochs - 1) * epoch)

    def _timed(self, split: TrainSplit, epochs: int) -> float:
        start = time.perf_counter()
        self._trained(split, epochs, silent)
        return time.perf_counter() - start

    def _trained(self, split: TrainSplit, epochs: int, track: Track) -> Tower:
        from fieldguide.models.loading.protocols import unit_rows
        from fieldguide.models.networks.mobilenetv2 import MobileNetV2Network
        from fieldguide.models.networks.sentences import SentenceEncoder
        from fieldguide.retrieval.training.text_tower import train_tower

        root = split.paths.root
        sentences, network = SentenceEncoder(root / self.spec.text), MobileNetV2Network(root / self.spec.weights)
        photographs = split.photographs()
        features = [network.features(some) for some in iter(lambda: list(islice(photographs, 64)), [])]
        phrases = [sentences.encode(some) for some in split.phrases]
        recipe = replace(self.recipe, epochs=epochs)
        return train_tower(unit_rows(np.concatenate(features)), split.labels, phrases, recipe, track)
