"""MobileNetV2 (Sandler et al., arXiv 1801.04381), trained on ImageNet: pooled features, and classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fieldguide.core.files import content_key, sha256_file
from fieldguide.models.loading.parallel import each
from fieldguide.models.loading.protocols import Vectors
from fieldguide.models.loading.torchvision import declare_operators

DIMENSION = 1280
MODULES = ("torch", "torchvision", "safetensors")
_KIND, _VERSION = "mobilenetv2", 1


class MobileNetV2Network:
    """The network, with torchvision's own preprocessing: shorter side to 256, centre 224 x 224, ImageNet's mean."""

    def __init__(self, weights: Path) -> None:
        self.weights = weights
        self.revision = content_key(kind=_KIND, version=_VERSION, weights=sha256_file(weights), resize=256, crop=224)
        self._loaded: tuple[Any, Any] | None = None

    def features(self, images: Sequence[Image.Image]) -> Vectors:
        """Features pooled over all places: (n, 1280) float32, not negative."""
        import torch

        network, transform = self._load()

        def encode(image: Image.Image) -> Any:
            with torch.inference_mode():
                pixels = transform(image.convert("RGB"))[None].contiguous(memory_format=torch.channels_last)
                return network.features(pixels).mean((2, 3))[0].numpy()

        return np.asarray(each(encode, images), dtype=np.float32).reshape(len(images), DIMENSION)

    def probabilities(self, images: Sequence[Image.Image]) -> Vectors:
        """Probabilities of ImageNet's 1000 classes: (n, 1000) float32, rows sum to 1."""
        return self.classified(self.features(images))

    def classified(self, features: Vectors) -> Vectors:
        """`probabilities` of images whose features are known."""
        import torch

        network, _ = self._load()

        def classify(pooled: Vectors) -> Any:  # one row at a time: its last bits then hang on it alone
            with torch.inference_mode():
                return network.classifier(torch.from_numpy(pooled)[None]).softmax(1)[0].numpy()

        return np.asarray(each(classify, list(features)), dtype=np.float32).reshape(len(features), 1000)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            declare_operators()
            import torch
            from safetensors.torch import load_file
            from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

            network = mobilenet_v2(weights=None)
            network.load_state_dict(load_file(self.weights))
            network = network.eval().to(memory_format=torch.channels_last)
            self._loaded = network, MobileNet_V2_Weights.IMAGENET1K_V1.transforms()
        return self._loaded
