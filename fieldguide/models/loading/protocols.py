"""What every encoder, generator and captioner is, whoever provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldguide.core.errors import FieldguideError

Modality = Literal["image", "text"]
# (n, d) float32, one row an image or a text.
Vectors = npt.NDArray[np.float32]


@runtime_checkable
class Encoder(Protocol):
    """Maps images, texts or both into one space where closeness is the inner product.

    Invariant: a vector depends on its image or text alone, bit for bit, not on what is encoded beside it or before it;
    encoding what is new gives the same vectors as encoding everything again.

    Attributes:
        name: its name in params.yaml.
        revision: sha256 over the weights and everything else that determines a vector.
        dimension: length of a vector.
        modalities: what it can encode.
    """

    name: str
    revision: str
    dimension: int
    modalities: frozenset[Modality]

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Embed upright images: (n, dimension) float32, rows of unit length.

        Raises:
            FieldguideError: it encodes no images.
        """
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: (n, dimension) float32, rows of unit length.

        Raises:
            FieldguideError: it encodes no texts.
        """
        ...


@runtime_checkable
class SharesNetwork(Protocol):
    """An encoder of images by what a network says of them, which other encoders use too: it is passed once for all.

    `network` is an `Encoder` of images whose vectors need not be of unit length (its `unit_length` is False), and
    whose revision is that of no encoder.
    """

    @property
    def network(self) -> Encoder:
        """The network."""
        ...

    def encode_features(self, features: Vectors) -> Vectors:
        """The network's vectors (n, network.dimension) as this encoder's: equals `encode_images`, bit for bit."""
        ...


@runtime_checkable
class PreparesImages(Protocol):
    """An encoder that splits `encode_images` in two, so that images are prepared while it computes.

    Attributes:
        batch: images in one forward pass; whole multiples of it are encoded fastest.
        on_cores: the network computes on the cores that prepare images, and not on a device beside them.
    """

    @property
    def batch(self) -> int:
        """Images in one forward pass."""
        ...

    @property
    def on_cores(self) -> bool:
        """Whether preparing and computing share cores; if so, `encode_prepared` may be called by many threads."""
        ...

    def prepare_image(self, image: Image.Image) -> Any:
        """What the network is given of an image; may be called from several threads."""
        ...

    def encode_prepared(self, prepared: Sequence[Any]) -> Vectors:
        """The vectors of prepared images, as `Encoder.encode_images`."""
        ...


@dataclass(frozen=True)
class Refused:
    """Why a model gave no drawing, caption or reply. It is recorded; nothing takes the place of what is missing."""

    reason: str


@runtime_checkable
class Generator(Protocol):
    """Draws images of texts.

    Invariant: a drawing depends on its prompt, its seed, `revision` and `settings` alone, bit for bit, not on what is
    drawn beside it.

    Attributes:
        name: its name in params.yaml.
        revision: sha256 over the weights and everything else that determines a drawing, `settings` apart.
        settings: of the sampler, as JSON values.
    """

    name: str
    revision: str
    settings: Mapping[str, float | int | str]

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        """One RGB image, or the reason why there is none, for each prompt with its seed."""
        ...


@runtime_checkable
class ConditionedGenerator(Generator, Protocol):
    """A generator that also looks at reference photographs of what it draws.

    Invariant: as a generator's; the photographs determine a drawing too.

    Attributes:
        references: how many photographs of an entity it looks at, at most.
    """

    references: int

    def draw_like(
        self, prompts: Sequence[str], seeds: Sequence[int], photographs: Sequence[Sequence[Image.Image]]
    ) -> list[Image.Image | Refused]:
        """As `draw`, with the photographs of each prompt: upright RGB, at least one, or the drawing is refused."""
        ...


class LacksModalityError(FieldguideError):
    """An encoder was asked for what it does not encode."""

    def __init__(self, name: str, kind: str, modality: Modality, able: Sequence[str]) -> None:
        others = ", ".join(able) or "none"
        super().__init__(f"encoders.{name} (kind {kind}) encodes no {modality}s; kinds that do: {others}")


def unit_rows(vectors: Vectors) -> Vectors:
    """Rows scaled to unit length, float32. A row of zeros stays what it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


@runtime_checkable
class Captioner(Protocol):
    """Says in words what an image shows.

    Invariant: a caption depends on its image and `revision` alone, not on what is captioned beside it.

    Attributes:
        name: its name in params.yaml.
        revision: sha256 over the weights and everything else that determines a caption.
    """

    name: str
    revision: str

    def caption(self, images: Sequence[Image.Image]) -> list[str | Refused]:
        """One line for each upright image, or the reason why there is none."""
        ...
