"""Images as chat models are shown them."""

from __future__ import annotations

import io

from PIL import Image


def small_png(image: Image.Image, side: int, resample: Image.Resampling = Image.Resampling.LANCZOS) -> bytes:
    """A PNG of at most `side` x `side` pixels, never enlarged, that carries nothing but RGB pixels.

    Its bytes are part of a call's key: another filter or encoding would have everything asked again.
    """
    small = image.convert("RGB")
    small.thumbnail((side, side), resample)
    stream = io.BytesIO()
    Image.frombytes("RGB", small.size, small.tobytes()).save(stream, "PNG")
    return stream.getvalue()
