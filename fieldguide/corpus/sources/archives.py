"""Tars, plain or compressed: read once from front to back, in bounded memory, whatever their headers claim."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.sources.candidates import Say, SourceImage, leftover_in, parent_label, text_of_name
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES, PixelVerdict, too_large

# Their readers take all streams of a file (pigz, pbzip2 and xz -T write many), which tarfile's own do not.
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
DAMAGED_TAR = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, zlib.error, lzma.LZMAError)
"""What tarfile raises on bytes that are not what they say: numbers of its extended headers are read as they come."""
_CHUNK = 1 << 16
_LONGEST_SKIP = 1 << 32  # bytes of one member that is too large to be a photograph
_LONGEST_END = 1 << 24  # bytes after the end that are looked at: tars are padded with zeros


def read_tar(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[SourceImage]:
    """Every member that is no folder, in the order of the archive.

    Raises:
        FieldguideError: it is no tar, damaged, cut off, or followed by something else.
    """
    count = 0
    try:
        with _decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                count += 1
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps a record of every member read
                if not member.isdir():
                    key = text_of_name(member.name)
                    yield SourceImage(key, key, *_read_member(tar, member), parent_label(key))
            _require_end(tar)
    except DAMAGED_TAR as error:
        raise FieldguideError(
            f"{path}: source {source.name!r}: not a tar, or damaged after member {count} ({error}); pack it again"
        ) from None


def _decompressed(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(8)
    opened: Any = next((open_ for magic, open_ in _COMPRESSED.items() if start.startswith(magic)), Path.open)
    stream: IO[bytes] = opened(path, "rb")
    return stream


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes, PixelVerdict | None]:
    pure = PurePosixPath(member.name)
    if pure.is_absolute() or ".." in pure.parts:
        refusal = PixelVerdict("unreadable", "its name leads out of the archive")
    elif (left := leftover_in(member.name)) is not None:
        refusal = PixelVerdict("leftover", f"{text_of_name(left)}: what a program left there, or hidden")
    elif not member.isreg():
        kind = "link" if member.issym() or member.islnk() else "device or pipe"
        refusal = PixelVerdict("unreadable", f"is a {kind}; only regular members are read")
    elif member.size > MAX_BYTES:
        refusal = too_large(member.size)
    else:
        stream = tar.extractfile(member)
        return (stream.read() if stream else b""), None
    _skip(tar, member)
    return b"", refusal


def _skip(tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Read over a member. tarfile would go on to the end that the header claims, long after the file's own."""
    left = member.size if member.isreg() else 0
    if left > _LONGEST_SKIP:
        raise tarfile.ReadError(f"{text_of_name(member.name)!a} claims {left} bytes; no photograph has so many")
    while left:
        read = len(_stream(tar).read(min(left, _CHUNK)))
        if not read:
            raise tarfile.ReadError(f"ends within {text_of_name(member.name)!a}")
        left -= read


def _require_end(tar: tarfile.TarFile) -> None:
    """A whole tar ends with blocks of zeros, and nothing else follows."""
    stream = _stream(tar)
    if stream.tell() == tar.offset:  # the file ended where a header was looked for
        raise tarfile.ReadError("ends without the blocks of zeros that end a tar: it was cut off")
    for _ in range(_LONGEST_END // _CHUNK):
        chunk = stream.read(_CHUNK)
        if chunk.strip(b"\0"):
            raise tarfile.ReadError("more data follows its end: joined archives must be given as sources of their own")
        if not chunk:
            return


def _stream(tar: tarfile.TarFile) -> Any:
    return tar.fileobj
