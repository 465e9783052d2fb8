"""What encoders by a neural network share: images are prepared apart from the forward pass, and may be meanwhile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from threading import Lock
from typing import Any

from PIL import Image

from fieldguide.core.streaming import map_ahead
from fieldguide.models.encoders.registry import lacks
from fieldguide.models.loading.compute import Compute, Inputs
from fieldguide.models.loading.protocols import Modality, Vectors, unit_rows


class NetworkEncoder(ABC):
    """An encoder whose network is loaded when first used."""

    kind: str
    modalities: frozenset[Modality] = frozenset({"image", "text"})

    def __init__(self, name: str, compute: Compute, dimension: int, revision: str) -> None:
        self.name = name
        self.compute = compute
        self.dimension = dimension
        self.revision = revision
        self._loaded: Any = None
        self._loading = Lock()

    @property
    def batch(self) -> int:
        """Images in one forward pass; encoding is fastest with a multiple of it."""
        return self.compute.batch

    @property
    def on_cores(self) -> bool:
        """See `PreparesImages`."""
        return self.compute.device == "cpu"

    @property
    def loaded(self) -> Any:
        """What `_load` gave."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    @abstractmethod
    def _load(self) -> Any:
        """Load the network, placed on its device, and whatever prepares its inputs."""

    @abstractmethod
    def prepare_image(self, image: Image.Image) -> Inputs:
        """Resize and normalise an image; may be called from several threads."""

    @abstractmethod
    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        """The forward pass: (batch, dimension)."""

    def _prepare_text(self, text: str) -> Inputs:
        raise lacks(self.name, self.kind, "text")

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        raise lacks(self.name, self.kind, "text")

    def encode_prepared(self, prepared: Sequence[Inputs]) -> Vectors:
        """The vectors of images that `prepare_image` prepared: (n, dimension) float32, rows of unit length."""
        return unit_rows(self.compute.rows(self._embed_images, prepared, self.dimension))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See `Encoder`."""
        return self.encode_prepared(list(map_ahead(self.prepare_image, images)))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        if "text" not in self.modalities:
            raise lacks(self.name, self.kind, "text")
        # Tokenizers are not to be called from several threads at once.
        prepared = [self._prepare_text(text) for text in texts]
        return unit_rows(self.compute.rows(self._embed_texts, prepared, self.dimension))
