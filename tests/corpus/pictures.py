"""Really made image files, good and bad."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest.section import Ingest


def picture(seed: int, width: int = 24, height: int = 16) -> Image.Image:
    """A picture of smooth noise: different seeds give perceptual hashes far apart."""
    noise = np.random.default_rng(seed).integers(0, 256, size=(4, 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_, **options)
    return stream.getvalue()


def photo(seed: int, format_: str = "PNG") -> bytes:
    return encoded(picture(seed), format_)


def rotated(seed: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture(seed), "JPEG", exif=exif, quality=95)


def animation(format_: str) -> bytes:
    frames = [picture(1), picture(2)]
    return encoded(frames[0], format_, save_all=True, append_images=frames[1:])


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels to show for it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def params(*sources: dict[str, Any], **values: Any) -> Ingest:
    return Ingest.model_validate({"sources": list(sources), "shards": 4, "max_pixels": 10_000, **values})


def folder_source(**values: Any) -> dict[str, Any]:
    return {"name": "photos", "kind": "folder", "path": "photos", **values}


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def corpus_bytes(paths: Paths) -> dict[str, bytes]:
    """Every file that ingest wrote, by name."""
    corpus = paths.images.parent
    return {p.relative_to(corpus).as_posix(): p.read_bytes() for p in sorted(corpus.rglob("*")) if p.is_file()}
