"""Text-to-image space by training: a tower from MiniLM sentence embeddings into MobileNetV2's image space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fieldguide.core.files import content_key, sha256_file
from fieldguide.models.encoders.mobilenetv2 import PooledFeatures
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.encoders.section import TextTowerEncoder
from fieldguide.models.loading.parallel import each
from fieldguide.models.loading.protocols import Modality, Vectors, unit_rows
from fieldguide.models.networks import stored
from fieldguide.models.networks.mobilenetv2 import DIMENSION, MODULES, MobileNetV2Network
from fieldguide.models.networks.sentences import FILES, SentenceEncoder

KIND = "text-tower"
_VERSION = 1


@ENCODERS.register(
    KIND,
    modules=(*MODULES, "transformers"),
    files={"weights": (), "text": FILES, "tower": stored.FILES},
    modalities=("image", "text"),
    trained="tower",
)
class TextTower:
    """Baseline that learnt the entities from the same photographs as the generator.

    An image is its MobileNetV2 vector; a text goes through MiniLM and the tower.
    """

    dimension = DIMENSION
    modalities: frozenset[Modality] = frozenset({"image", "text"})

    def __init__(self, name: str, spec: TextTowerEncoder, root: Path) -> None:
        self.name = name
        self._network = MobileNetV2Network(root / spec.weights)
        self.network = PooledFeatures(name, self._network)
        self._sentences = SentenceEncoder(root / spec.text)
        self._folder = root / spec.tower
        parts = {"image": self._network.revision, "text": self._sentences.revision}
        tower = {file: sha256_file(self._folder / file) for file in stored.FILES}
        self.revision = content_key(kind=KIND, version=_VERSION, tower=tower, **parts)
        self._tower: Any = None

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See `Encoder`."""
        return self.encode_features(self._network.features(images))

    def encode_features(self, features: Vectors) -> Vectors:
        """See `SharesNetwork`."""
        return unit_rows(features)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        import torch

        tower = self._load()

        def encode(sentence: Vectors) -> Any:
            with torch.inference_mode():
                return tower(torch.from_numpy(sentence)[None])[0].numpy()

        rows = each(encode, list(self._sentences.encode(texts)))
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), DIMENSION)

    def _load(self) -> Any:
        if self._tower is None:
            from fieldguide.models.networks.tower import Tower

            self._tower = stored.load_into(Tower(**stored.network_config(self._folder)), self._folder)
        return self._tower
