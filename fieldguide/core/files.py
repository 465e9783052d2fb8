"""Files: written whole or not at all, hashed by content, packed so that the same input gives the same bytes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import io
import json
import os
import select
import shutil
import stat
import tarfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

from fieldguide.core.errors import FieldguideError

_PIPE_SECONDS = 5.0
_FULL = {errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC}
_LONGEST = 1 << 27
"""Bytes of a text file that is read whole, or of a line."""
_CROWD = 3_000_000
"""Objects and lists of one JSON document: a few bytes of text that take hundreds of memory each."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Permissions of everybody but the owner."""


def sha256_bytes(data: bytes) -> str:
    """Hex sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, streamed."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def open_input(path: Path) -> io.BufferedReader:
    """Open for reading in binary what somebody names: a file, or a pipe (`<(zcat run.gz)`) that somebody writes to.

    Raises:
        FieldguideError: no such file, a folder, no permission, a device, a pipe that nobody writes to within 5 s.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a pipe would wait for its writer for ever
    except FileNotFoundError:
        raise FieldguideError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise FieldguideError(f"{path}: cannot be read ({getattr(error, 'strerror', error)})") from None
    mode, what = os.fstat(number).st_mode, ""
    if stat.S_ISDIR(mode):
        what = "is a folder; expected a file"
    elif not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):  # /dev/zero has no end
        what = "is no file"
    elif stat.S_ISFIFO(mode) and not select.select([number], [], [], _PIPE_SECONDS)[0]:
        what = "is a pipe that nobody writes to"
    if what:
        os.close(number)
        raise FieldguideError(f"{path}: {what}")
    os.set_blocking(number, True)
    return os.fdopen(number, "rb")


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no insignificant white space: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_key(**parts: Any) -> str:
    """The sha256 of everything that determines a result, as canonical JSON. Order of arguments is irrelevant."""
    return sha256_bytes(canonical_json(parts).encode())


def _temporary(path: Path) -> Path:
    """A sibling's name for this thread to write to; what killed processes left beside `path` is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        writer = leftover.name.split(".")[-2].partition("-")[0]
        if writer.isdigit() and not _is_alive(int(writer)):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary sibling of `path` to write to; renamed onto it at the end, removed on any error.

    Invariant: whoever opens `path` sees the old bytes or the new ones, never a part of either,
    also when the process is killed.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename is None and error.errno in _FULL:  # a write says what is wrong, and not where
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_open(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary sibling for writing ("w": UTF-8 text with LF, "wb": bytes); renamed onto `path` at the end."""
    with atomic_path(path) as temporary:
        text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
        with temporary.open(mode, **text) as stream:
            yield stream


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """A temporary sibling folder to fill; it takes the place of `path` at the end.

    What lay there is put aside first and removed last: a process killed in between leaves both, under other names.
    """
    temporary = _temporary(path)
    aside = temporary.with_name(temporary.name.replace(f".{path.name}.", f".{path.name}.old.", 1))
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            path.replace(aside)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, mode 0600 from its first byte, in a folder of mode 0700."""
    private_folder(path.parent)
    with atomic_path(path) as temporary:
        temporary.unlink(missing_ok=True)
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as stream:
            stream.write(text)


def private_folder(folder: Path) -> None:
    """Make a folder that its owner alone may enter; one that is there is closed to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        folder.chmod(0o700)


def write_json(path: Path, value: Any) -> None:
    """Indented JSON with sorted keys, written atomically."""
    with atomic_open(path) as stream:
        json.dump(value, stream, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def read_text(path: Path) -> str:
    """A whole text file in UTF-8.

    Raises:
        FieldguideError: as `open_input`; longer than `_LONGEST` bytes; not UTF-8 (names the line).
    """
    with open_input(path) as stream:
        data = stream.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise FieldguideError(f"{path}: is longer than {_LONGEST:,} bytes")
    return _decoded(path, 1, data)


def csv_text(path: Path) -> io.StringIO:
    """A whole text file for `csv.reader`: its line ends as they are, no byte-order mark.

    Raises:
        FieldguideError: as `read_text`.
    """
    return io.StringIO(read_text(path).removeprefix("\ufeff"), newline="")


def csv_delimiter(stream: io.TextIOBase) -> str:
    """`,`, or the semicolon or tab that a spreadsheet put between columns instead; leaves `stream` at the header.

    csv.Sniffer guesses from the cells too, and takes letters for delimiters where a table has one column.
    """
    header = stream.readline().rstrip("\r\n")
    if header.lower().startswith("sep=") and len(header) == 5:  # a line of Excel's
        return header[4]
    stream.seek(0)
    return max(",;\t", key=header.count)


def read_json(path: Path) -> Any:
    """Read one JSON document.

    Raises:
        FieldguideError: as `read_text`; not JSON, nested too deeply, a number of thousands of digits.
    """
    return _parsed(str(path), read_text(path))


def _decoded(path: Path, line: int, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        line += data.count(b"\n", 0, error.start)
        what = "is UTF-16 text" if wide else f"byte {data[error.start]:#04x} is no UTF-8"
        raise FieldguideError(f"{path}:{line}: {what}; save the file as UTF-8") from None


class CrowdedError(ValueError):
    """A JSON text has more objects and lists than memory is there for."""


def refuse_crowds(text: str) -> None:
    """Refuse a JSON text of millions of objects and lists before it is parsed.

    Raises:
        CrowdedError: it has more than `_CROWD`.
    """
    if text.count("{") + text.count("[") > _CROWD:
        raise CrowdedError(f"holds more than {_CROWD:,} objects and lists, too many to be read at once; split the file")


def _parsed(where: str, text: str) -> Any:
    try:
        refuse_crowds(text)
        return json.loads(text)
    except RecursionError:
        raise FieldguideError(f"{where}: not valid JSON (nested too deeply)") from None
    except json.JSONDecodeError as error:
        place = f" at line {error.lineno}" if error.lineno > 1 else ""
        raise FieldguideError(f"{where}: not valid JSON ({error.msg}{place})") from None
    except CrowdedError as error:
        raise FieldguideError(f"{where}: {error}") from None
    except ValueError as error:  # a number of thousands of digits
        raise FieldguideError(f"{where}: not valid JSON ({error})") from None


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line, keys in the order given, written atomically."""
    with atomic_open(path) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def append_lines(stream: BinaryIO, data: bytes, whole: int, lines: Iterable[str]) -> None:
    """Put lines behind the last whole one, cutting off what a crash left behind it; on the disk when it returns.

    Args:
        stream: the file, open for reading and writing.
        data: all that it holds.
        whole: so many bytes of it are whole lines; the last may lack its line end.
        lines: without line ends.
    """
    text = "".join(f"{line}\n" for line in lines).encode()
    if whole and not data[:whole].endswith(b"\n"):
        text = b"\n" + text
    if text or whole != len(data):
        stream.truncate(whole)
        stream.seek(whole)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def byte_lines(path: Path, longest: int = _LONGEST) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line with its end).

    Raises:
        FieldguideError: as `open_input`, or a line has `longest` bytes and more; names file and line.
    """
    with open_input(path) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(longest), b""), 1):
            if len(line) >= longest:
                raise FieldguideError(f"{path}:{number}: the line is longer than {longest:,} bytes")
            yield number, line


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object); blank lines are skipped.

    Raises:
        FieldguideError: as `byte_lines`, or a line is no JSON object; names file and line.
    """
    for number, raw in byte_lines(path):
        line = _decoded(path, number, raw)
        if not line.strip():
            continue
        value = _parsed(f"{path}:{number}", line)
        if not isinstance(value, dict):
            raise FieldguideError(f"{path}:{number}: expected a JSON object, found {type(value).__name__}")
        yield number, value


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True, busy: str | None = None) -> Iterator[None]:
    """Hold an exclusive lock on `path` (created if absent). The kernel frees it when the process dies, however it dies.

    Raises:
        FieldguideError: another process holds it and `wait` is false; says so, or `busy`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise FieldguideError(busy or f"{path}: held by another process; wait for it or end it") from None
        yield


class TarMember(NamedTuple):
    """Where a member's bytes lie inside an uncompressed tar, in bytes."""

    name: str
    offset: int
    size: int


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> list[TarMember]:
    """Write an uncompressed tar (readable as WebDataset) whose bytes depend on the members alone.

    Owner, mode and time are fixed. Returns where each member's bytes lie, so that readers can seek
    to one image without scanning the archive.
    """
    placed, place = [], 0
    with atomic_path(path) as temporary, temporary.open("wb", buffering=1 << 20) as stream:
        for name, data in members:
            header = _tar_header(name, len(data))
            placed.append(TarMember(name, place + len(header), len(data)))
            place += stream.write(b"".join((header, data, bytes(-len(data) % tarfile.BLOCKSIZE))))
        stream.write(bytes(2 * tarfile.BLOCKSIZE + -(place + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE))
    return placed


def _tar_header(name: str, size: int) -> bytes:
    """A member's header. tarfile's own takes as long as decoding a thumbnail; of short names only two fields differ."""
    start = name.encode("utf-8", "surrogateescape")
    if len(start) > 100 or size >= 8**11:
        info = tarfile.TarInfo(name)
        info.size = size
        return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
    digits = b"%011o" % size
    checksum = b"%06o" % (_BLANK_SUM + sum(start) + sum(digits))
    return b"".join((start, bytes(100 - len(start)), _BLANK[100:124], digits, _BLANK[135:148], checksum, _BLANK[154:]))


_BLANK = tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT)
"""The header of a member without a name, of no bytes."""
_BLANK_SUM = int(_BLANK[148:154], 8) - 11 * ord("0")


def read_member(path: Path, offset: int, size: int) -> bytes:
    """Read `size` bytes at `offset` of a shard.

    Raises:
        FieldguideError: the shard is missing or shorter than its index says.
    """
    if not path.is_file():
        raise FieldguideError(f"{path}: shard is missing; run `dvc repro` or `dvc pull`")
    with path.open("rb") as stream:
        stream.seek(offset)
        data = stream.read(size)
    if len(data) != size:
        raise FieldguideError(f"{path}: shard ends before byte {offset + size}; it is damaged, run `dvc checkout`")
    return data
