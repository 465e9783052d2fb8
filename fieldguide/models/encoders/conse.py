"""Text-to-image space without training: ConSE (Norouzi et al., arXiv 1312.5650)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fieldguide.core.files import atomic_open, content_key
from fieldguide.core.paths import Paths
from fieldguide.models.encoders.mobilenetv2 import PooledFeatures
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.encoders.section import ConSEEncoder
from fieldguide.models.loading.protocols import Modality, Vectors, unit_rows
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.mobilenetv2 import MODULES, MobileNetV2Network
from fieldguide.models.networks.sentences import DIMENSION, FILES, SentenceEncoder

KIND = "conse"
TOP = 10
_VERSION = 1


def convex_combination(probabilities: Vectors, classes: Vectors, top: int = TOP) -> Vectors:
    """Mean of the class embeddings, weighted by the `top` greatest probabilities of each image (equation 3).

    Args:
        probabilities: (n, c).
        classes: (c, d) embeddings of the classes' names.
        top: how many classes count; ties go to the class with the lower index.

    Returns:
        (n, d) float32, not normalised.
    """
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    weights = np.take_along_axis(probabilities, best, axis=1)
    weights = weights / weights.sum(1, keepdims=True)
    # einsum without optimize sums in a fixed order: a BLAS product could differ with the number of rows.
    return np.asarray(np.einsum("nt,ntd->nd", weights, classes[best]), dtype=np.float32)


@ENCODERS.register(
    KIND, modules=(*MODULES, "transformers"), files={"weights": (), "text": FILES}, modalities=("image", "text")
)
class ConSE:
    """Zero-shot baseline that never saw the benchmark's entities.

    An image is the mean of its ten likeliest ImageNet classes' names, embedded as sentences and weighted by their
    probabilities; a text is its sentence embedding.
    """

    dimension = DIMENSION
    modalities: frozenset[Modality] = frozenset({"image", "text"})

    def __init__(self, name: str, spec: ConSEEncoder, root: Path) -> None:
        self.name = name
        self._network = MobileNetV2Network(root / spec.weights)
        self.network = PooledFeatures(name, self._network)
        self._sentences = SentenceEncoder(root / spec.text)
        parts = {"image": self._network.revision, "text": self._sentences.revision}
        self.revision = content_key(kind=KIND, version=_VERSION, top=TOP, **parts)
        self._class_names_file = Paths(root).cache / "class-names" / f"{self._sentences.revision}.npy"
        self._classes: Vectors | None = None

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See `Encoder`."""
        return self.encode_features(self._network.features(images))

    def encode_features(self, features: Vectors) -> Vectors:
        """See `SharesNetwork`."""
        if not len(features):
            return np.empty((0, DIMENSION), dtype=np.float32)
        return unit_rows(convex_combination(self._network.classified(features), self._class_names()))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        return self._sentences.encode(texts)

    def _class_names(self) -> Vectors:
        """(1000, 384): names of ImageNet's classes. Kept on disk: embedding them takes as long as 150 images."""
        if self._classes is None:
            kept = self._class_names_file
            if not kept.exists():
                declare_operators()
                from torchvision.models import MobileNet_V2_Weights

                names = MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]
                with atomic_open(kept, "wb") as stream:
                    np.save(stream, self._sentences.encode(names))
            self._classes = np.load(kept, allow_pickle=False)
        return self._classes
