"""Answers of paid or slow calls, each kept once under the sha256 of all that determines it.

    KEY[:2]/KEY.json      one call: what was sent, what came back, by which model, its tokens, money and seconds
    blobs/SHA[:2]/SHA     what is no text: images as the endpoint sent them

Invariant: a file is written once and whole, and never changed. A key is the sha256 of kind, base_url and request, a
blob's name that of its bytes; both are checked when read, so that a store that came with a release is not trusted.
"""

from __future__ import annotations

import contextlib
import math
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import (
    atomic_open,
    content_key,
    locked,
    read_json,
    read_jsonl,
    sha256_bytes,
    write_json,
    write_jsonl,
    write_tar,
)
from fieldguide.core.paths import Paths

CALLS, BLOBS = "calls.jsonl", "blobs.tar"
_VERSION = 1


@dataclass(frozen=True)
class Usage:
    """What a call used, or may use: tokens of the prompt and of the reply, images made."""

    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0


@dataclass(frozen=True)
class Call:
    """One call and its answer.

    Attributes:
        kind: what was asked for: `chat`, `images`.
        base_url, request: where, and the body (model, prompt, parameters), files by their sha256: the key.
        reply: of the endpoint, as JSON; null for a refusal.
        refused: why it refuses; null where it answered.
        blobs: sha256 of the reply's files, in order.
        model: as the endpoint names itself.
        usage: as the endpoint counted; where `counted` is false, the most it can have been.
        cost: in the currency of params.yaml at that time.
        seconds: from sending to the last byte, of the attempt that was answered.
        attempts: how often it was sent.
        asked_at: ISO 8601 with offset.
    """

    kind: str
    base_url: str
    request: dict[str, Any]
    reply: Any
    refused: str | None
    model: str
    usage: Usage
    counted: bool
    cost: float
    seconds: float
    attempts: int
    asked_at: str
    blobs: tuple[str, ...] = field(default=())
    version: int = _VERSION

    @property
    def key(self) -> str:
        """The sha256 of all that determines the answer."""
        return call_key(self.kind, self.base_url, self.request)


_CALL: TypeAdapter[Call] = TypeAdapter(Call)


def call_key(kind: str, base_url: str, request: Mapping[str, Any]) -> str:
    """The key of what is asked."""
    return content_key(kind=kind, base_url=base_url, request=dict(request))


class CallStore:
    """A folder of calls."""

    def __init__(self, folder: Path, locks: Path) -> None:
        """`locks`: folder for this machine's lock files, which are no part of the store."""
        self.folder, self._locks = folder, locks

    @classmethod
    def at(cls, root: Path) -> CallStore:
        """The store of a repository."""
        paths = Paths(root)
        return cls(paths.calls, paths.state / "locks" / "calls")

    def get(self, key: str) -> Call | None:
        """The call of that key, or None.

        Raises:
            FieldguideError: the file is no call, or another one.
        """
        path = self._path(key)
        if not path.exists():
            return None
        try:
            call = _CALL.validate_python(read_json(path))
        except (ValidationError, FieldguideError):
            call = None
        if call is None or call.version != _VERSION or call.key != key:
            raise FieldguideError(f"{path}: not a stored call; delete it, it will be asked for again")
        return call

    def put(self, call: Call, blobs: Sequence[bytes] = ()) -> None:
        """Keep a call with its files, the files first."""
        for data in blobs:
            self._put_blob(data)
        write_json(self._path(call.key), asdict(call))

    def blob(self, digest: str) -> bytes:
        """A file of a reply.

        Raises:
            FieldguideError: it is missing or damaged.
        """
        path = self._blob(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        if sha256_bytes(data) != digest:
            raise FieldguideError(f"{path}: missing or damaged; delete the call that names it, it will be asked again")
        return data

    @contextlib.contextmanager
    def asking(self, key: str) -> Iterator[None]:
        """No other thread or process asks for this key meanwhile. There are 256 locks, so others may wait too."""
        with locked(self._locks / key[:2]):
            yield

    def calls(self) -> Iterator[Call]:
        """Every call, by key.

        Raises:
            FieldguideError: as `get`.
        """
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*.json")):
            call = self.get(path.stem)
            if call is not None:
                yield call

    def pack(self, folder: Path) -> int:
        """Write all calls as CALLS, sorted by key, and their files as BLOBS; nothing where there are none.

        Returns:
            How many calls.

        Raises:
            FieldguideError: a call or a file is damaged.
        """
        calls = list(self.calls())
        if not calls:
            return 0
        digests = sorted({digest for call in calls for digest in call.blobs})
        write_jsonl(folder / CALLS, (asdict(call) for call in calls))
        if digests:
            write_tar(folder / BLOBS, ((digest, self.blob(digest)) for digest in digests))
        return len(calls)

    def unpack(self, folder: Path) -> tuple[int, int]:
        """Take over what `pack` wrote; what is here already stays. Nothing is written if anything is wrong.

        Returns:
            How many calls were new, and how many there are in the folder.

        Raises:
            ProblemsError: lines that are no calls, and files that are missing or not those of their names.
        """
        packed, problems = read_packed(folder)
        if problems:
            raise ProblemsError(f"{folder} holds no calls to be taken over:", problems)
        new = [call for call in packed if not self._path(call.key).exists()]
        wanted = {digest for call in new for digest in call.blobs}
        for name, data in _members(folder / BLOBS):
            if name in wanted:
                self._put_blob(data)
        for call in new:
            self.put(call)
        return len(new), len(packed)

    def _put_blob(self, data: bytes) -> None:
        path = self._blob(sha256_bytes(data))
        if not path.exists():
            with atomic_open(path, "wb") as stream:
                stream.write(data)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest[:2] / digest


@dataclass(frozen=True)
class ModelTotals:
    """The calls of one model: tokens of prompts and replies, money, and seconds of all answers together."""

    kind: str
    model: str
    calls: int
    refused: int
    tokens_in: int
    tokens_out: int
    images: int
    money: float
    seconds: float


def totals_by_model(calls: Iterable[Call]) -> list[ModelTotals]:
    """Totals of each kind and model, in their order."""
    by: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        by.setdefault((call.kind, str(call.request.get("model", ""))), []).append(call)
    return [
        ModelTotals(
            kind, model, len(some), sum(call.refused is not None for call in some),
            sum(call.usage.input_tokens for call in some), sum(call.usage.output_tokens for call in some),
            sum(call.usage.images for call in some), round(math.fsum(call.cost for call in some), 6),
            round(math.fsum(call.seconds for call in some), 3),
        )
        for (kind, model), some in sorted(by.items())
    ]  # fmt: skip


def read_packed(folder: Path) -> tuple[list[Call], list[Problem]]:
    """The calls that `CallStore.pack` wrote, and all that is wrong with them or with their files."""
    calls, problems = [], []
    path = folder / CALLS
    for number, row in read_jsonl(path):
        try:
            call = _CALL.validate_python(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            problems.append(Problem(f"{path}:{number}", f"is no call: {where}: {first['msg']}"))
            continue
        if call.version != _VERSION:
            problems.append(Problem(f"{path}:{number}", f"is of version {call.version}; expected {_VERSION}"))
        calls.append(call)
    try:
        held = {name: sha256_bytes(data) for name, data in _members(folder / BLOBS)}
    except (tarfile.TarError, OSError) as error:
        return calls, [*problems, Problem(str(folder / BLOBS), f"is not a readable tar: {error}")]
    wanted = {digest for call in calls for digest in call.blobs}
    for digest in sorted(wanted - set(held)):
        problems.append(Problem(str(folder / BLOBS), f"lacks {digest}, which a call names"))
    for name in sorted(name for name, digest in held.items() if name != digest):
        problems.append(Problem(str(folder / BLOBS), f"holds {name} with other bytes than its sha256"))
    return calls, problems


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each file of a tar, none where there is no tar. Nothing is unpacked to the disk."""
    if not path.exists():
        return
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream:
                yield member.name, stream.read()
