"""From what a pipeline or an endpoint hands back to a drawing, or to the reason why it is none."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldguide.models.loading.protocols import Refused

_PIXELS = 64_000_000


def from_pixels(pixels: npt.NDArray[Any]) -> Image.Image | Refused:
    """A drawing of (height, width, 3) floats, 0..1. Numbers that are not finite would be drawn as black: refused."""
    if not np.isfinite(pixels).all():
        return Refused("the network's output is not finite")
    values = (np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)
    return checked(Image.fromarray(values, "RGB"))


def from_file(data: bytes) -> Image.Image:
    """An image file that somebody else made, as RGB; transparency is laid on white.

    Raises:
        ValueError: it is none, or has more than 64 million pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > _PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels")
            if image.mode in ("RGBA", "LA", "P"):
                white = Image.new("RGBA", image.size, "white")
                return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"no PNG, JPEG or WEBP image ({error})") from None


def checked(image: Image.Image) -> Image.Image | Refused:
    """The drawing as RGB, unless all of it has one colour: so do filters black out what they withhold."""
    drawing = image.convert("RGB")
    pixels = np.asarray(drawing)
    if (pixels == pixels[0, 0]).all():
        return Refused("the drawing is of one plain colour")
    return drawing
