"""Tars, plain or compressed: read once from front to back, in bounded memory, whatever their headers claim."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.sources.candidates import Say, SourceImage, leftover_in, parent_label, parts_of, text_of_name
from fieldguide.corpus.sources.parts import Part, begins_part
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES, PixelVerdict, too_large

# Their readers take all streams of a file (pigz, pbzip2 and xz -T write many), which tarfile's own do not.
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
DAMAGED_TAR = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, zlib.error, lzma.LZMAError)
"""What tarfile raises on bytes that are not what they say: numbers of its extended headers are read as they come."""
_CHUNK = 1 << 16
_LONGEST_SKIP = 1 << 32  # bytes of one member that is too large to be a photograph
_LONGEST_END = 1 << 24  # bytes after the end that are looked at: tars are padded with zeros


def split_tar(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of an uncompressed tar, by the places of its members; one that is compressed is one part."""
    begun = Part(source)
    if not _is_compressed(path):
        for place, count in _boundaries(path):
            yield replace(begun, stop=place)
            begun = Part(source, count, place)
    yield begun


def read_tar(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every member of a part that is no folder, in the order of the archive.

    Raises:
        FieldguideError: it is no tar, damaged, cut off, or followed by something else.
    """
    path, count = root / part.source.path, part.first
    try:
        with _opened(path, part) as stream, tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as tar:
            for member in tar:
                count += 1
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps a record of every member read
                if not member.isdir():
                    key = text_of_name(member.name)
                    yield SourceImage(key, key, *_read_member(tar, member), parent_label(key))
            if part.stop is None:
                _require_end(tar)
            elif tar.offset != part.stop - part.start:
                raise tarfile.ReadError("what follows is no member of a tar")
    except DAMAGED_TAR as error:
        raise FieldguideError(
            f"{path}: source {part.source.name!r}: not a tar, or damaged after member {count} ({error}); pack it again"
        ) from None


def tar_key(part: Part, root: Path) -> str:
    """The sha256 of a part's bytes."""
    with (root / part.source.path).open("rb") as file:
        file.seek(part.start)
        window: Any = file if part.stop is None else _Window(file, part.stop - part.start)
        return hashlib.file_digest(window, "sha256").hexdigest()


def _boundaries(path: Path) -> Iterator[tuple[int, int]]:
    """Where parts begin but for the first: the place of a member's first header, and how many members lie before it.

    Ends where a header is none that it knows; from there on the tar is one part, of which `read_tar` finds out what is
    wrong.
    """
    with path.open("rb") as file:
        place = begins = count = 0
        while len(header := os.pread(file.fileno(), tarfile.BLOCKSIZE, place)) == tarfile.BLOCKSIZE:
            kind, size = header[156:157], _size(header)
            if size is None or kind not in _KNOWN:
                return
            if kind == b"x" and _resizes(os.pread(file.fileno(), min(size, _CHUNK), place + tarfile.BLOCKSIZE)):
                return
            if kind in _EXTENDS:
                place += tarfile.BLOCKSIZE + _padded(size)
                continue
            if count and begins_part(header[:100] + header[345:500], size):
                yield begins, count
            count += 1
            place += tarfile.BLOCKSIZE + (_padded(size) if kind in _HAS_DATA else 0)
            begins = place


_HAS_DATA = {b"0", b"\0", b"7"}
_EXTENDS = {b"x", b"L", b"K"}
"""Headers that go before the member that they describe."""
_KNOWN = _HAS_DATA | _EXTENDS | {b"1", b"2", b"3", b"4", b"5", b"6"}


def _size(header: bytes) -> int | None:
    """The size that a header gives in octal digits; None where it has none, as the blocks of zeros at the end."""
    digits = header[124:136].strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _resizes(extended: bytes) -> bool:
    """Whether an extended header says that the member has another size than its own header does."""
    return b" size=" in extended or b" GNU.sparse" in extended or len(extended) == _CHUNK


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


class _Window(io.RawIOBase):
    """The next `left` bytes of a file."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self._file = file
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with memoryview(buffer) as view:
            data = self._file.read(min(len(view), self._left))
            view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(8)
    return any(start.startswith(magic) for magic in _COMPRESSED)


def _opened(path: Path, part: Part) -> IO[bytes]:
    if part.start == 0 and part.stop is None:
        return _decompressed(path)
    file = path.open("rb")
    file.seek(part.start)
    return file if part.stop is None else cast(IO[bytes], _Window(file, part.stop - part.start))


def _decompressed(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(8)
    opened: Any = next((open_ for magic, open_ in _COMPRESSED.items() if start.startswith(magic)), Path.open)
    stream: IO[bytes] = opened(path, "rb")
    return stream


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes, PixelVerdict | None]:
    if member.name.startswith("/") or ".." in parts_of(member.name):
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
