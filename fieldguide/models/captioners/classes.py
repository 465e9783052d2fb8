"""The example's captions: what a general classifier takes an image for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fieldguide.core.english import listed
from fieldguide.core.files import content_key
from fieldguide.models.captioners.registry import CAPTIONERS
from fieldguide.models.captioners.section import ClassesCaptioner
from fieldguide.models.loading.protocols import Refused
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.mobilenetv2 import MODULES, MobileNetV2Network

KIND = "classes"
_VERSION = 1


@CAPTIONERS.register(KIND, modules=MODULES, files={"weights": ()})
class Classes:
    """`a photo of tabby, lynx or red fox`: the likeliest ImageNet classes; equal ones by the lower class index.

    It knows ImageNet's thousand classes and nothing else; a true captioner says more.
    """

    def __init__(self, name: str, spec: ClassesCaptioner, root: Path) -> None:
        self.name = name
        self._network, self._top = MobileNetV2Network(root / spec.weights), spec.top
        self.revision = content_key(kind=KIND, version=_VERSION, top=spec.top, network=self._network.revision)

    def caption(self, images: Sequence[Image.Image]) -> list[str | Refused]:
        """See `Captioner`."""
        declare_operators()
        from torchvision.models import MobileNet_V2_Weights

        names = MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]
        best = np.argsort(-self._network.probabilities(images), axis=1, kind="stable")[:, : self._top]
        return [f"a photo of {listed([names[place] for place in row], 'or')}" for row in best.tolist()]
