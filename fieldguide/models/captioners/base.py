"""What every captioner is, whoever provides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from PIL import Image

from fieldguide.models.protocols import Refused
from fieldguide.models.registry import Registry
from fieldguide.params.captions import Captioner as CaptionerSection


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


CAPTIONERS: Registry[CaptionerSection, Captioner] = Registry("captioner", "fieldguide.models.captioners")


def one_line(text: str) -> str | Refused:
    """A model's words as a caption: white space as single spaces, refused where nothing is left."""
    words = " ".join(text.split())
    return words or Refused("the captioner said nothing")
