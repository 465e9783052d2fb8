"""An encoder of images: how often each colour occurs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fieldguide.core.files import content_key
from fieldguide.models.encoders.registry import ENCODERS, lacks
from fieldguide.models.loading.protocols import Vectors, unit_rows

KIND = "colour-histogram"


@ENCODERS.register(KIND, modules=("numpy",), files={}, modalities=("image",))
class ColourHistogram:
    """Square roots of the shares of `levels` x `levels` x `levels` colours; an option of its section."""

    modalities = frozenset({"image"})

    def __init__(self, name, spec, root: Path) -> None:
        self.name, self._levels = name, int(spec.model_extra.get("levels", 4))
        self.dimension = self._levels**3
        # All that determines a vector: raise the version when the computation changes.
        self.revision = content_key(kind=KIND, version=1, levels=self._levels)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return unit_rows(np.sqrt([self._counts(image) for image in images], dtype=np.float32))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        raise lacks(self.name, KIND, "text")

    def _counts(self, image: Image.Image) -> np.ndarray:
        levels = np.asarray(image, dtype=np.int64) * self._levels // 256
        colours = levels @ [self._levels**2, self._levels, 1]
        return np.bincount(colours.ravel(), minlength=self.dimension)
