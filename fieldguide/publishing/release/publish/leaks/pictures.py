"""What a photograph says of itself: where it was taken, and every text of its metadata."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import ExifTags, Image

from fieldguide.corpus.store.pixels import FORMATS, MAX_BYTES

LOCATION = "says where it was taken"
_BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
_POSITION = (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSDestLatitude)
_PLACE = "GPSLatitude"
"""As XMP names it."""


def is_picture(beginning: bytes) -> bool:
    """Whether a file that begins so is an image of the formats that a benchmark may hold."""
    webp = beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP"
    bitmap = beginning.startswith(b"BM") and beginning[6:10] == bytes(4)
    return beginning.startswith(_BEGINNINGS) or webp or bitmap


def picture_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """(text, "") for each text of an image's metadata, ("", what is wrong) for what it must not say."""
    if len(data) > MAX_BYTES:
        yield "", f"is an image larger than {MAX_BYTES:,} bytes and was not looked into"
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                told, is_placed = _told(image)
    except Exception as error:  # Pillow's readers of damaged files raise what they like
        yield "", f"is an image whose metadata cannot be read: {error!r}"
        return
    if is_placed:
        yield "", LOCATION
    yield from ((text, "") for text in told)


def _told(image: Image.Image) -> tuple[list[str], bool]:
    """Texts, and whether there is a place among what is told."""
    exif = image.getexif()
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    values = [*exif.values(), *exif.get_ifd(ExifTags.IFD.Exif).values()]
    values += [value for key, value in image.info.items() if key not in ("exif", "icc_profile")]
    told = [text for value in values if (text := _text(value))]
    return told, any(key in place for key in _POSITION) or any(_PLACE in text for text in told)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        # Behind a mark (`ASCII\0\0\0...`), or of two bytes a letter: a NUL parts words, or is none of the text.
        return "\n".join(value.replace(b"\0", put).decode(errors="replace") for put in dict.fromkeys((b" ", b"")))
    if isinstance(value, dict):  # IPTC and the like
        return "\n".join(filter(None, map(_text, value.values())))
    return value if isinstance(value, str) else ""
