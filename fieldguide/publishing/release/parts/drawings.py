"""drawings/: drawings.parquet, and tars in which each drawing has its prompt and seed beside it (WebDataset)."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import open_input, read_member, write_tar
from fieldguide.core.grouping import grouped
from fieldguide.core.paths import Paths
from fieldguide.corpus.sources.archives import DAMAGED_TAR
from fieldguide.records.drawings import DRAWINGS

FOLDER, TABLE = "drawings", "drawings/drawings.parquet"
_LONGEST = 1 << 20
"""Bytes of what stands beside one drawing."""
_TOLD = ("prompt", "purpose", "index", "seed", "generator", "revision")


def write_drawings(paths: Paths, folder: Path) -> None:
    """Write table and tars anew; `offset` and `size` are those of the new tars.

    Raises:
        FieldguideError: a tar is missing or damaged.
    """
    frame = DRAWINGS.read(paths.drawings)
    drawn = frame[frame["status"] == "ok"]
    by_shard = grouped((str(row.shard), row) for row in drawn.itertuples(index=False))
    placed: dict[str, tuple[int, int]] = {}
    for shard, rows in sorted(by_shard.items()):
        members = (m for row in sorted(rows, key=lambda r: str(r.drawing_id)) for m in _sample(paths, row))
        for member in write_tar(folder / FOLDER / shard, members):
            name, _, suffix = member.name.partition(".")
            if suffix != "json":
                placed[name] = (member.offset, member.size)
    anew = [
        {str(name): value for name, value in row.items()}
        | dict(zip(("offset", "size"), placed.get(str(row["drawing_id"]), (None, None)), strict=True))
        for row in frame.to_dict("records")
    ]
    DRAWINGS.write(folder / TABLE, DRAWINGS.frame(anew))


def _sample(paths: Paths, row: Any) -> Iterator[tuple[str, bytes]]:
    """The two members of one drawing: `ID.EXT`, `ID.json`."""
    if PurePath(str(row.shard)).name != row.shard:
        raise FieldguideError(f"{paths.drawings}: shard {row.shard!r} is no plain file name")
    data = read_member(paths.drawings.parent / row.shard, int(row.offset), int(row.size))
    yield f"{row.drawing_id}.{_extension(data)}", data
    yield f"{row.drawing_id}.json", _told(row._asdict())


def _told(row: dict[str, Any]) -> bytes:
    told = {name: int(row[name]) if name in ("index", "seed") else row[name] for name in _TOLD}
    return (json.dumps(told, ensure_ascii=False) + "\n").encode()


def _extension(data: bytes) -> str:
    """Generators give PNG or WEBP; what gives something else is named so that nothing is claimed of it."""
    known = {b"\x89PNG": "png", b"RIFF": "webp", b"\xff\xd8\xff": "jpg"}
    return next((extension for magic, extension in known.items() if data.startswith(magic)), "bin")


def wrong_drawings(folder: Path) -> Iterator[Problem]:
    """Drawings that lie elsewhere than the table says, or say something else of themselves than it does."""
    try:
        frame = DRAWINGS.read(folder / TABLE)
    except ProblemsError as error:
        yield from error.problems
        return
    except FieldguideError as error:
        yield Problem(str(folder / TABLE), str(error))
        return
    drawn = frame[frame["status"] == "ok"]
    named = [{str(name): value for name, value in row.items()} for row in drawn.to_dict("records")]
    expected = {(str(row["shard"]), str(row["drawing_id"])): row for row in named}
    for path in sorted((folder / FOLDER).glob("*")):
        if path.name != Path(TABLE).name:
            try:
                yield from _wrong_tar(path, expected)
            except (FieldguideError, *DAMAGED_TAR) as error:
                yield Problem(str(path), f"is not a readable tar: {error}")
    for shard, drawing in sorted(expected):
        yield Problem(str(folder / FOLDER / shard), f"lacks drawing {drawing}")


def _wrong_tar(path: Path, expected: dict[tuple[str, str], dict[str, Any]]) -> Iterator[Problem]:
    """Strikes off what is there in full."""
    found: dict[str, dict[str, Any]] = {}
    with open_input(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            name, _, suffix = member.name.partition(".")
            told = suffix == "json" and member.isreg() and member.size <= _LONGEST
            stream = tar.extractfile(member) if told else None
            part = {"json": stream.read()} if stream else {"place": (member.offset_data, member.size)}
            found.setdefault(name, {}).update(part)
    for name, parts in sorted(found.items()):
        row = expected.pop((path.name, name), None)
        if row is None:
            yield Problem(str(path), f"holds {name}, which {TABLE} does not place there")
        elif parts.get("place") != (row["offset"], row["size"]):
            yield Problem(str(path), f"{name}: lies elsewhere than {TABLE} says")
        elif parts.get("json") != _told(row):
            yield Problem(str(path), f"{name}: says another prompt or seed than {TABLE}")
