"""Zips and tars that others give: read without unpacking them, in bounded memory; one file of them taken out."""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open
from fieldguide.corpus.sources.archives import DAMAGED_TAR
from fieldguide.corpus.sources.candidates import SourceImage, leftover_in, text_of_name
from fieldguide.corpus.store.pixels import MAX_BYTES, PixelVerdict, too_large

_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile and the decompressors raise on bytes that are not what they say.
_DAMAGED_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
                ValueError, IndexError, OverflowError, struct.error, OSError)  # fmt: skip


def read_zip(path: Path) -> Iterator[SourceImage]:
    """Every member that is no folder, in the order of the archive; a member that is no plain file is refused.

    Raises:
        FieldguideError: it is no zip, or its list of members is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED_ZIP as error:
        raise FieldguideError(f"{path}: not a zip, or damaged ({error}); get it again") from None
    with archive:
        for member in archive.infolist():
            if not _is_folder(member):
                key = text_of_name(member.filename)
                yield SourceImage(key, key, *_read(archive, member))


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return member.filename.endswith("/")  # is_dir() of a member without a name is an IndexError before Python 3.12


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[bytes, PixelVerdict | None]:
    refusal = _refusal(member)
    if refusal is None and member.file_size > MAX_BYTES:
        refusal = too_large(member.file_size)
    if refusal is not None:
        return b"", refusal
    try:
        with archive.open(member) as stream:  # read() without a number would inflate all that there is first
            return stream.read(member.file_size + 1), None
    except _DAMAGED_ZIP as error:
        return b"", PixelVerdict("unreadable", f"damaged in the zip ({error})")


def _refusal(member: zipfile.ZipInfo) -> PixelVerdict | None:
    pure = PurePosixPath(member.filename)
    if pure.is_absolute() or ".." in pure.parts or "\\" in member.filename:
        return PixelVerdict("unreadable", "its name leads out of the archive")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        what = "link" if kind == stat.S_IFLNK else "device or pipe"
        return PixelVerdict("unreadable", f"is a {what}; only regular members are read")
    if member.flag_bits & _ENCRYPTED:
        return PixelVerdict("unreadable", "is encrypted")
    if member.compress_type not in _BOUNDED:
        return PixelVerdict("unreadable", "is neither stored nor deflated: other ways cannot be read in bounded memory")
    left = leftover_in(member.filename)
    words = f"{text_of_name(left)}: what a program left there, or hidden" if left else ""
    return PixelVerdict("leftover", words) if left else None


def take_out(path: Path, member: str, to: Path, limit: int) -> None:
    """Write one file of a zip or tar to `to`, whatever it is called inside.

    Raises:
        FieldguideError: no such member, a link or device, encrypted, damaged, or larger than `limit` bytes.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _copy_zipped(archive, member, to, limit, str(path))
        else:
            with tarfile.open(path, "r:*") as tar:
                _copy_tarred(tar, member, to, limit, str(path))
    except (*_DAMAGED_ZIP, *DAMAGED_TAR) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # a disk that is full, say; a damaged archive seeks to before its beginning
        raise FieldguideError(f"{path}: is no zip or tar, or damaged ({error}); get it again") from None


def _copy_zipped(archive: zipfile.ZipFile, member: str, to: Path, limit: int, where: str) -> None:
    found = [one for one in archive.infolist() if one.filename == member and not _is_folder(one)]
    if len(found) != 1:
        raise FieldguideError(f"{where}: has {'no' if not found else len(found)} file {member!r}; expected one")
    refusal = _refusal(found[0])
    if refusal is not None:
        raise FieldguideError(f"{where}: {member}: {refusal.detail}")
    with archive.open(found[0]) as stream:
        _copy(stream, to, limit, f"{where}: {member}")


def _copy_tarred(tar: tarfile.TarFile, member: str, to: Path, limit: int, where: str) -> None:
    found = None
    for one in tar:
        if one.name.removeprefix("./") == member:
            found = one
            break
        if one.offset_data + one.size > limit:  # to go on would read over it, however much a compressed tar blows up
            raise FieldguideError(f"{where}: holds more than {limit:,} bytes; --max-gb allows more")
    if found is None:
        raise FieldguideError(f"{where}: has no file {member!r}")
    stream = tar.extractfile(found) if found.isreg() else None
    if stream is None:
        raise FieldguideError(f"{where}: {member}: is no regular file; links and devices are not followed")
    with stream:
        _copy(stream, to, limit, f"{where}: {member}")


def _copy(stream: IO[bytes], to: Path, limit: int, where: str) -> None:
    """Counted while it is read: what a header says of the size is not believed."""
    written = 0
    with atomic_open(to, "wb") as out:
        while chunk := stream.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise FieldguideError(f"{where}: is larger than {limit:,} bytes; --max-gb allows more")
            out.write(chunk)
