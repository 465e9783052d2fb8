"""Images by MobileNetV2: the pooled features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fieldguide.core.files import content_key
from fieldguide.models.encoders.registry import ENCODERS, lacks
from fieldguide.models.encoders.section import MobileNetV2Encoder
from fieldguide.models.loading.protocols import Modality, Vectors, unit_rows
from fieldguide.models.networks.mobilenetv2 import DIMENSION, MODULES, MobileNetV2Network

KIND = "mobilenetv2"


class PooledFeatures:
    """The network as an `Encoder` of images, so that encoders that share it pass an image through it once."""

    dimension = DIMENSION
    modalities: frozenset[Modality] = frozenset({"image"})
    unit_length = False

    def __init__(self, name: str, network: MobileNetV2Network) -> None:
        self.name = name
        self.revision = content_key(kind="pooled-features", network=network.revision)
        self._network = network

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See `Encoder`; not of unit length."""
        return self._network.features(images)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Raises: it encodes no texts."""
        raise lacks(self.name, KIND, "text")


@ENCODERS.register(KIND, modules=MODULES, files={"weights": ()}, modalities=("image",))
class MobileNetV2:
    """Image encoder: pooled features of MobileNetV2, 1280 numbers. Encodes no texts."""

    dimension = DIMENSION
    modalities: frozenset[Modality] = frozenset({"image"})

    def __init__(self, name: str, spec: MobileNetV2Encoder, root: Path) -> None:
        self.name = name
        self._network = MobileNetV2Network(root / spec.weights)
        self.network = PooledFeatures(name, self._network)
        self.revision = self._network.revision

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See `Encoder`."""
        return self.encode_features(self._network.features(images))

    def encode_features(self, features: Vectors) -> Vectors:
        """See `SharesNetwork`."""
        return unit_rows(features)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Raises: it encodes no texts."""
        raise lacks(self.name, KIND, "text")
