"""How pixels are seen, and what is refused before they are.

One definition for hashing, encoding, training and thumbnails: `open_image`. What is admitted:

- JPEG (also the multi-picture JPEG of phones, of which the first picture counts), PNG, WEBP, GIF, BMP, TIFF;
  one frame only.
- Modes with 8 bits a channel or fewer. CMYK and YCbCr are converted by Pillow's formulas; colour profiles are
  not applied. PNG with 16 bits a channel in colour is read with its upper 8 bits, as Pillow does. Greyscale
  with 16 or 32 bits has no agreed white and is refused as unsupported, as are LAB and HSV.
- Transparency is laid on white.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import splitext
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from fieldguide.core.errors import FieldguideError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
# Far above any photograph of `ingest.max_pixels`; keeps a hostile file from filling memory before its header is read.
MAX_BYTES = 1 << 27
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}
# Raise it when `inspect_image` answers something else for the same bytes: remembered verdicts are then made anew.
VERDICT_VERSION = 2
# Arithmetic coding makes no such run of zeros, and no photograph ends in such a strip of the grey of missing blocks.
_ZEROS, _STRIP = bytes(64), 16
_SIDE, _LOW = 32, 8
"""Pixels of a side that are hashed, and frequencies in each direction that the hash keeps."""


@dataclass(frozen=True)
class PixelVerdict:
    """What the bytes are. `reason` (records.REFUSED_IMAGE_REASONS) and `detail` if refused, else the rest.

    `phash` is 16 hex digits; `width` and `height` are pixels of the upright image; `format` is one of FORMATS.
    """

    reason: str | None = None
    detail: str = ""
    phash: str = ""
    width: int = 0
    height: int = 0
    format: str = ""


def open_image(data: bytes) -> Image.Image:
    """The image as everybody here sees it: first frame, upright, RGB, 8 bits a channel.

    Raises:
        FieldguideError: the bytes do not decode. Bytes that `ingest` kept always do.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _upright(image).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise FieldguideError(f"these bytes do not decode as an image: {_words(error)}") from error


class _Seen(NamedTuple):
    """What an image is but for its hash, and the pixels that the hash is made of: (32, 32) uint8."""

    width: int
    height: int
    format: str
    grey: npt.NDArray[np.uint8]


def inspect_image(data: bytes, max_pixels: int) -> PixelVerdict:
    """As `inspect_images`, of one."""
    return inspect_images([data], max_pixels)[0]


def inspect_images(datas: Sequence[bytes], max_pixels: int) -> list[PixelVerdict]:
    """Decode fully and describe, or refuse. Depends on the arguments alone (and on the versions of Pillow and SciPy).

    `max_pixels` is held against the size that a header declares, before any pixel is decoded.
    """
    looked = [_looked_at(data, max_pixels) for data in datas]
    phashes = iter(_phashes([seen.grey for seen in looked if isinstance(seen, _Seen)]))
    return [
        PixelVerdict(None, "", next(phashes), seen.width, seen.height, seen.format) if isinstance(seen, _Seen) else seen
        for seen in looked
    ]


def _looked_at(data: bytes, max_pixels: int) -> PixelVerdict | _Seen:
    if not data:
        return PixelVerdict("empty", "no bytes")
    if len(data) > MAX_BYTES:
        return too_large(len(data))
    declared = _riff_size(data)
    if declared is not None and declared > len(data):
        return PixelVerdict("truncated", f"WEBP of {declared} bytes ends after {len(data)}")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        return PixelVerdict("oversized", _words(error))
    except MemoryError:
        raise
    # Whatever a parser raises on hostile bytes is a finding about the bytes, and recorded as one.
    except Exception:
        return _unidentified(data)
    with image:
        return _refused_by_header(image, max_pixels) or _described(data, image)


def too_large(size: int) -> PixelVerdict:
    """The refusal of a file of `size` bytes, for readers that need not read it."""
    return PixelVerdict("oversized", f"{size} bytes; at most {MAX_BYTES} are read")


def misnamed(name: str, format_: str) -> str | None:
    """What is wrong if the extension of `name` stands for another format than `format_`; None if nothing.

    An extension that stands for no image format says nothing.
    """
    extension = splitext(name)[1].lower()
    says = Image.registered_extensions().get(extension)
    said = {"MPO": "JPEG", "DIB": "BMP"}.get(says or "", says)
    return None if said in {None, format_} else f"named {extension}, which is {said}; the bytes are {format_}"


def _upright(image: Image.Image) -> Image.Image:
    """Upright and laid on white; the image itself where it is so already: copies take as long as small decodings."""
    image.load()
    if image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
        image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image


def _riff_size(data: bytes) -> int | None:
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return 8 + int.from_bytes(data[4:8], "little") if is_webp else None


def _refused_by_header(image: Image.Image, max_pixels: int) -> PixelVerdict | None:
    pixels = image.width * image.height
    if pixels > max_pixels:
        return PixelVerdict("oversized", f"{image.width} x {image.height} = {pixels} pixels; at most {max_pixels}")
    if image.mode not in MODES:
        return PixelVerdict("unsupported", f"{image.format} of mode {image.mode}; allowed: {', '.join(MODES)}")
    try:
        several = image.format != "MPO" and getattr(image, "is_animated", False)
    except Exception as error:  # as above: finding the second frame parses hostile bytes
        return _undecodable(image.format, error)
    return PixelVerdict("animated", f"{image.format} of more than one frame; one is needed") if several else None


def _described(data: bytes, image: Image.Image) -> PixelVerdict | _Seen:
    found = "JPEG" if image.format == "MPO" else str(image.format)
    try:
        pixels = _upright(image)
        if pixels.mode not in ("RGB", "L"):  # these two give the same greys directly
            pixels = pixels.convert("RGB")
        lacks = _lacks_pixels(data, image)
        if lacks:
            return PixelVerdict("truncated", f"{found}: {lacks}")
        grey = np.asarray(pixels.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))
    except MemoryError:
        raise
    except Exception as error:  # as above
        return _undecodable(found, error)
    return _Seen(pixels.width, pixels.height, found, grey)


def _phashes(greys: Sequence[npt.NDArray[np.uint8]]) -> list[str]:
    """The perceptual hash of imagehash.phash, of many at once: which of the 8 x 8 lowest frequencies exceed the median.

    One by one they take as long as decoding a thumbnail; these agree with its own to the bit.
    """
    from scipy.fftpack import dct

    if not greys:
        return []
    lowest = dct(dct(np.stack(greys), axis=1)[:, :_LOW], axis=2)[:, :, :_LOW].reshape(len(greys), _LOW * _LOW)
    above = np.packbits(lowest > np.median(lowest, axis=1, keepdims=True), axis=1)
    return [bits.tobytes().hex() for bits in above]


def _lacks_pixels(data: bytes, image: Image.Image) -> str | None:
    """What tells that a decoder filled up pixels that the file does not have: it warns, and Pillow does not hear it.

    Found are a lossy WEBP that ends in zeros, and a JPEG whose bottom has the grey of blocks that are missing. A
    progressive JPEG that lacks its last scans is only blurred; zeros in a JPEG may be an even background. Neither is
    found.
    """
    if image.format == "WEBP" and any(k == b"VP8 " and p.endswith(_ZEROS) for k, p in riff_chunks(data)):
        return "the compressed pixels end in zeros"
    if image.format not in {"JPEG", "MPO"} or image.mode not in {"RGB", "L"} or image.height <= 2 * _STRIP:
        return None
    if image.getpixel((0, image.height - 1)) in ((128, 128, 128), 128):
        strip = image.crop((0, image.height - _STRIP, image.width, image.height))
        if _is_grey(strip) and not _is_grey(image):
            return f"the last {_STRIP} rows and more are the grey of blocks that are missing"
    return None


def _is_grey(image: Image.Image) -> bool:
    extrema: Any = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(band == (128, 128) for band in bands)


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, content) of each chunk of a WEBP; one that is cut off gives what is there."""
    place = 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        yield data[place : place + 4], data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _undecodable(found: str | None, error: Exception) -> PixelVerdict:
    cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
    return PixelVerdict("truncated" if cut else "unreadable", f"{found}: {_words(error)}")


def _unidentified(data: bytes) -> PixelVerdict:
    """Names the format by its first bytes alone: no parser of a format that is not admitted ever runs."""
    Image.init()
    formats: dict[str, Any] = Image.OPEN
    prefix = data[:16].ljust(16, b"\0")  # some of them fail on fewer bytes
    named = [name for name, (_, accepts) in formats.items() if accepts and accepts(prefix) is True]
    if not named:
        return PixelVerdict("unreadable", f"no image format known begins with {data[:8].hex(' ')}")
    if named[0] in FORMATS:
        return PixelVerdict("unreadable", f"begins as {named[0]}, but its header cannot be read")
    return PixelVerdict("unsupported", f"{named[0]}; allowed: {', '.join(FORMATS)}")


def _words(error: Exception) -> str:
    """The error's text without addresses of this run's objects, so that the same bytes give the same words."""
    return re.sub(r"<[^<>]* at 0x[0-9a-f]+>", "the bytes", f"{type(error).__name__}: {error}")
