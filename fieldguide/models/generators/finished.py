"""From what a pipeline or an endpoint hands back to a drawing, or to the reason why it is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldguide.models.protocols import Refused


def from_pixels(pixels: npt.NDArray[Any]) -> Image.Image | Refused:
    """A drawing of (height, width, 3) floats, 0..1. Numbers that are not finite would be drawn as black: refused."""
    if not np.isfinite(pixels).all():
        return Refused("the network's output is not finite")
    values = (np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)
    return checked(Image.fromarray(values, "RGB"))


def checked(image: Image.Image) -> Image.Image | Refused:
    """The drawing as RGB, unless all of it has one colour: so do filters black out what they withhold."""
    drawing = image.convert("RGB")
    pixels = np.asarray(drawing)
    if (pixels == pixels[0, 0]).all():
        return Refused("the drawing is of one plain colour")
    return drawing
