"""Tars, plain or compressed: read once from front to back, in bounded memory, whatever their headers claim."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key
from fieldguide.corpus.sources.candidates import Say, SourceImage, leads_out, leftover_in, parent_label, text_of_name
from fieldguide.corpus.sources.parts import Part, begins_part
from fieldguide.corpus.sources.patterns import prefix_of, tars_of
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES, PixelVerdict, too_large

# Their readers take all streams of a file (pigz, pbzip2 and xz -T write many), which tarfile's own do not.
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
DAMAGED_TAR = (tarfile.TarError, EOFError, OSError, ValueError, OverflowError, zlib.error, lzma.LZMAError)
"""What tarfile raises on bytes that are not what they say: numbers of its extended headers are read as they come."""
_CHUNK = 1 << 16
_LONGEST_SKIP = 1 << 32  # bytes of one member that is too large to be a photograph
_LONGEST_END = 1 << 24  # bytes after the end that are looked at: tars are padded with zeros


class PlacedMember(NamedTuple):
    """A member of a tar that is only looked at: its number from 0, where its first header begins, its name and size."""

    number: int
    place: int
    name: bytes
    size: int
    is_folder: bool


Begins = Callable[[Iterator[PlacedMember]], Iterator[PlacedMember]]
"""Which members begin a part. It may depend on names and sizes alone."""


def split_tar(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of uncompressed tars, by the places of their members; one that is compressed is one part."""
    return split_tars(source, root, say, _any_member)


def split_tars(source: ImageSource, root: Path, say: Say, begins: Begins) -> Iterator[Part]:
    """Parts of the tars of a source, each of which begins at a member of those that `begins` gives."""
    for tar in tars_of(source, root, say):
        begun = Part(source, file=tar)
        if not _is_compressed(root / tar):
            for member in begins(_members(root / tar)):
                yield replace(begun, stop=member.place)
                begun = Part(source, member.number, member.place, file=tar)
        yield begun


def _any_member(members: Iterator[PlacedMember]) -> Iterator[PlacedMember]:
    return (member for member in members if member.number and begins_part(member.name, member.size))


def read_tar(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every member of a part that is no folder, in the order of the archive.

    Raises:
        FieldguideError: it is no tar, damaged, cut off, or followed by something else.
    """
    prefix = prefix_of(part.source, part.file)
    for name, data, refusal in read_members(part, root):
        yield SourceImage(prefix + name, name, data, refusal, parent_label(name))


def read_members(part: Part, root: Path) -> Iterator[tuple[str, bytes, PixelVerdict | None]]:
    """Name, bytes and refusal of every member of a part that is no folder.

    Raises:
        FieldguideError: as `read_tar`.
    """
    path, count = root / part.file, part.first
    try:
        with (
            _opened(path, part) as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK, tarinfo=_Header) as tar,
        ):
            for member in tar:
                count += 1
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps a record of every member read
                if not member.isdir():
                    yield text_of_name(member.name), *_read_member(tar, member)
            if part.stop is None:
                _require_end(tar)
            elif tar.offset != part.stop - part.start:
                raise tarfile.ReadError("what follows is no member of a tar")
    except DAMAGED_TAR as error:
        raise FieldguideError(
            f"{path}: source {part.source.name!r}: not a tar, or damaged after member {count} ({error}); pack it again"
        ) from None


class _Header(tarfile.TarInfo):
    """A header. tarfile's own reading of it takes as long as half of decoding a thumbnail; we need two fields."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """As tarfile's, for all that is read of a member here."""
        buf = bytes(buf)
        name, size = buf[:100].partition(b"\0")[0], _size(buf)
        plain = buf[156:157] == b"0" and buf[257:265] in _USTAR and buf[345:346] == b"\0" and not name.endswith(b"/")
        if not plain or size is None or _number(buf[148:156]) != _BLANKS + sum(buf[:148]) + sum(buf[156:]):
            return super().frombuf(buf, encoding, errors)
        made = cls(name.decode(encoding, errors))
        made.size = size
        return made


_USTAR = (b"ustar\x0000", b"ustar  \0")
_BLANKS = 8 * ord(" ")
"""A header's sum counts the eight bytes of its own field as blanks."""


def tar_key(part: Part, root: Path) -> str:
    """The sha256 of a part's bytes; of one of many tars also of its name, which is in the keys."""
    with (root / part.file).open("rb") as file:
        file.seek(part.start)
        window: Any = file if part.stop is None else _Window(file, part.stop - part.start)
        digest = hashlib.file_digest(window, "sha256").hexdigest()
    prefix = prefix_of(part.source, part.file)
    return content_key(prefix=prefix, bytes=digest) if prefix else digest


def _members(path: Path) -> Iterator[PlacedMember]:
    """The members of an uncompressed tar. Nothing but headers is read.

    Ends where a header is none that it knows; from there on the tar is one part, of which `read_members` finds out
    what is wrong.
    """
    with path.open("rb") as file:
        place = first = number = 0
        name = b""
        while len(header := os.pread(file.fileno(), tarfile.BLOCKSIZE, place)) == tarfile.BLOCKSIZE:
            kind, size = header[156:157], _size(header)
            if size is None or kind not in _KNOWN:
                return
            place += tarfile.BLOCKSIZE + (_padded(size) if kind in _HAS_DATA | _EXTENDS else 0)
            if kind not in _EXTENDS:
                yield PlacedMember(number, first, name or _name(header), size, kind == b"5")
                number, first, name = number + 1, place, b""
                continue
            extended = os.pread(file.fileno(), min(size, _CHUNK), place - _padded(size))
            if len(extended) == _CHUNK or (kind == b"x" and _resizes(extended)):
                return
            name = _long_name(kind, extended) or name


_HAS_DATA = {b"0", b"\0", b"7"}
_EXTENDS = {b"x", b"L", b"K"}
"""Headers that go before the member that they describe."""
_KNOWN = _HAS_DATA | _EXTENDS | {b"1", b"2", b"3", b"4", b"5", b"6"}
_RECORD = re.compile(rb"(\d{1,5}) ([^=\n]{1,100})=")


def _size(header: bytes) -> int | None:
    """The size that a header gives in octal digits; None where it has none, as the blocks of zeros at the end."""
    return _number(header[124:136])


def _number(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None


def _resizes(extended: bytes) -> bool:
    """Whether an extended header says that the member has another size than its own header does."""
    return b" size=" in extended or b" GNU.sparse" in extended


def _name(header: bytes) -> bytes:
    name, _, _ = header[:100].partition(b"\0")
    folder, _, _ = header[345:500].partition(b"\0")
    return folder + b"/" + name if folder and header[257:263] == b"ustar\0" else name


def _long_name(kind: bytes, extended: bytes) -> bytes:
    """The name that an extended header gives the member; empty where it gives none."""
    if kind == b"L":
        return extended.rstrip(b"\0")
    place, name = 0, b""
    while kind == b"x" and (record := _RECORD.match(extended, place)):
        end = max(place + int(record[1]), record.end())
        if record[2] == b"path":
            name = extended[record.end() : end - 1]
        place = end
    return name


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
    if leads_out(member.name):
        refusal = PixelVerdict("unreadable", "its name leads out of the archive")
    elif (left := leftover_in(member.name)) is not None:
        refusal = PixelVerdict("leftover", f"{text_of_name(left)}: what a program left there, or hidden")
    elif not member.isreg():
        kind = "link" if member.issym() or member.islnk() else "device or pipe"
        refusal = PixelVerdict("unreadable", f"is a {kind}; only regular members are read")
    elif member.size > MAX_BYTES:
        refusal = too_large(member.size)
    elif member.issparse():
        stream = tar.extractfile(member)
        return (stream.read() if stream else b""), None
    else:
        data = _stream(tar).read(member.size)  # the stream stands at a member's bytes
        if len(data) < member.size:
            raise tarfile.ReadError("unexpected end of data")
        return data, None
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
