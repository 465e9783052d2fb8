"""The judgment log: append-only, one JSON line a judgment, chained by hashes.

What assessors give is never edited. A changed mind is a new line that supersedes the old one, a
withdrawn judgment a new line that withdraws it. Every line holds the hash of the line before it, so
that an edited, deleted, inserted or moved line breaks the chain where it stands. What a chain cannot
show by itself is a cut-off end, or a log rewritten from some line on: compare `Log.head` with the one
in grades.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import (
    append_lines,
    atomic_open,
    canonical_json,
    content_key,
    locked,
    open_input,
    sha256_bytes,
)

SCHEMA_VERSION = 2

Text = Annotated[str, Field(min_length=1)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Action = Literal["judged", "superseded", "withdrawn"]


class ServerRecord(BaseModel):
    """Which record of an annotation server a judgment was read from."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    project: Annotated[int, Field(ge=1)]
    task: Annotated[int, Field(ge=1)]
    annotation: Annotated[int, Field(ge=1)]


class Judgment(BaseModel):
    """What one assessor says about one image for one subtopic.

    Attributes:
        grade: whole number from 0, or None where the choice gives none (`cannot-tell`, `broken-image`).
        choice: the assessor's choice, one of the guideline's; None in a withdrawal alone.
        guideline: version of the guideline judged by.
        judged_at: ISO 8601 with offset; None where nobody judged at a time (labels of a data set).
        pass_: 1, and more where the same assessor is asked again (self-consistency). `pass` in the file.
        action: `judged`: a first judgment; `superseded`: it takes the place of the line `supersedes`;
            `withdrawn`: the line `supersedes` holds no more, and nothing takes its place.
        supersedes: hash of the line that is superseded or withdrawn.
        role: `adjudicator` where the judgment was given with the assessors' grades in sight, to decide between them.
        seconds: what the form measured from showing the image to the answer; of a page, its share.
        sighted: a model's guess was in sight.
        source: the server's record; None where no server was asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    subtopic_id: Text
    image_id: Text
    assessor: Text
    grade: Annotated[int, Field(ge=0)] | None
    choice: Text | None
    guideline: Text
    judged_at: str | None = None
    pass_: Annotated[int, Field(ge=1, alias="pass")] = 1
    action: Action = "judged"
    supersedes: Hash | None = None
    role: Literal["assessor", "adjudicator"] = "assessor"
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    sighted: bool = False
    source: ServerRecord | None = None

    @property
    def task_key(self) -> str:
        """Identity of what was asked, whoever is asked: sha256 of subtopic, image, guideline version and pass."""
        return task_key(self.subtopic_id, self.image_id, self.guideline, self.pass_)

    @model_validator(mode="after")
    def _is_consistent(self) -> Judgment:
        if (self.action == "judged") != (self.supersedes is None):
            raise ValueError("`supersedes` belongs to the actions superseded and withdrawn, and to no other")
        if (self.action == "withdrawn") != (self.choice is None) or (self.choice is None and self.grade is not None):
            raise ValueError("a withdrawal has neither choice nor grade; every other judgment has a choice")
        if self.judged_at is not None and not is_time(self.judged_at):
            raise ValueError("`judged_at` must be ISO 8601 with an offset, such as 2025-05-20T09:30:00+00:00")
        return self


class LogEntry(Judgment):
    """A line of the log. `prev` is the hash of the line before (None in the first)."""

    schema_version: Literal[2] = 2
    seq: Annotated[int, Field(ge=1)]
    key: Hash = Field(alias="task_key")
    prev: Hash | None
    hash: Hash


@dataclass(frozen=True)
class Log:
    """A log as read. `torn` tells of a last line that was being written when its writer was killed."""

    entries: tuple[LogEntry, ...]
    torn: str | None = None

    @property
    def head(self) -> str | None:
        """Hash of the last line: it stands for the whole log."""
        return self.entries[-1].hash if self.entries else None


def task_key(subtopic_id: str, image_id: str, guideline: str, pass_: int) -> str:
    """As `Judgment.task_key`."""
    return content_key(subtopic_id=subtopic_id, image_id=image_id, guideline=guideline, **{"pass": pass_})


def read(path: Path) -> Log:
    """Read a log and verify its chain.

    Raises:
        FieldguideError: no such file, or the chain is broken: names the first broken line and what is wrong there.
    """
    if not path.exists():
        raise FieldguideError(f"{path}: no such file; people's judgments come from the annotation server")
    with open_input(path) as stream:
        return _parse(path, stream.read())[0]


def append(path: Path, judgments: Iterable[Judgment]) -> Log:
    """Verify the log, append judgments, wait until they are on the disk.

    Invariant: whatever line was whole on the disk stays as it is. A kill leaves whole lines and at
    most one torn one, which the next `append` drops; the judgments that did not get in are appended
    by giving them again.

    Returns:
        The log as it is now; `torn` tells what was dropped, if anything was.

    Raises:
        FieldguideError: the chain is broken; nothing is written.
        ProblemsError: judgments that contradict the log (judged twice by one assessor, superseding what is not
            current); all of them, nothing is written.
    """
    new = list(judgments)
    refuse_link(path)
    with locked(path), path.open("r+b") as stream:
        data = stream.read()
        log, whole = _parse(path, data)
        entries = _chained(log.entries, new, str(path))
        append_lines(stream, data, whole, (_line(entry) for entry in entries))
    return Log((*log.entries, *entries), log.torn)


def refuse_link(path: Path) -> None:
    """Refuse to write where the file is a link into DVC's cache: appending would change the cached version too.

    Raises:
        FieldguideError: it is one.
    """
    if path.is_symlink() or (path.exists() and path.stat().st_nlink > 1):
        raise FieldguideError(f"{path}: is a link into DVC's cache; `dvc unprotect {path}` makes it a file of its own")


def write(path: Path, judgments: Iterable[Judgment]) -> Log:
    """Write a new log whole, in place of what was there: for judgments that can be made again at any time.

    Raises:
        FieldguideError: the log that is there holds judgments of assessors who are not among the new ones.
        ProblemsError: as `append`.
    """
    new = list(judgments)
    if path.exists():
        lost = sorted({e.assessor for e in read(path).entries} - {j.assessor for j in new})
        if lost:
            raise FieldguideError(
                f"{path}: holds judgments by {', '.join(lost)}, which would be lost; "
                "set adjudicate.judge to `log` in params.yaml, or move the file away"
            )
    entries = _chained((), new, str(path))
    with atomic_open(path) as stream:
        stream.writelines(_line(entry) + "\n" for entry in entries)
    return Log(tuple(entries))


def write_part(path: Path, entries: Iterable[LogEntry]) -> Log:
    """Write some lines of a log as a log of their own, chained anew; whoever needs a line must be given with it.

    Raises:
        ProblemsError: a line supersedes one that is not among them.
    """
    renamed: dict[str, str] = {}
    chained: list[LogEntry] = []
    for entry in entries:
        fields = entry.model_dump(by_alias=True) | {
            "seq": len(chained) + 1,
            "prev": chained[-1].hash if chained else None,
            "supersedes": entry.supersedes and renamed.get(entry.supersedes, entry.supersedes),
        }
        new = LogEntry.model_validate(fields | {"hash": _hash(fields)})
        renamed[entry.hash] = new.hash
        chained.append(new)
    with atomic_open(path) as stream:
        stream.writelines(_line(entry) + "\n" for entry in chained)
    return read(path)


def current(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """What holds now: one judgment an assessor and task, in the order of the log; withdrawn ones are gone."""
    holding: dict[tuple[str, str], LogEntry] = {}
    for entry in entries:
        if entry.action == "withdrawn":
            holding.pop((entry.assessor, entry.key), None)
        else:
            holding[entry.assessor, entry.key] = entry
    return sorted(holding.values(), key=lambda entry: entry.seq)


def _chained(before: Sequence[LogEntry], judgments: Iterable[Judgment], where: str) -> list[LogEntry]:
    """Judgments as the lines that follow `before`."""
    holding = {(e.assessor, e.key): e.hash for e in current(before)}
    prev = before[-1].hash if before else None
    entries, problems = [], []
    for seq, judgment in enumerate(judgments, len(before) + 1):
        key = judgment.task_key
        wrong = _contradiction(judgment, holding.get((judgment.assessor, key)))
        if wrong:
            what = f"{judgment.assessor} on {judgment.image_id} for {judgment.subtopic_id}"
            problems.append(Problem(f"{where} ({what})", wrong))
            continue
        fields = judgment.model_dump(by_alias=True) | {
            "schema_version": SCHEMA_VERSION, "seq": seq, "task_key": key, "prev": prev,
        }  # fmt: skip
        entry = LogEntry.model_validate(fields | {"hash": _hash(fields)})
        _hold(holding, entry)
        entries.append(entry)
        prev = entry.hash
    if problems:
        raise ProblemsError(f"{where}: judgments that contradict the log; none was written:", problems)
    return entries


def _contradiction(judgment: Judgment, holds: str | None) -> str | None:
    """What is wrong with a judgment where the line `holds` is the assessor's current one for the task."""
    if judgment.action == "judged" and holds is not None:
        return "is judged already; a changed judgment supersedes the old one (action `superseded`)"
    if judgment.action != "judged" and judgment.supersedes != holds:
        return f"`supersedes` is {judgment.supersedes}; the current judgment is {holds or 'none'}"
    return None


def _hold(holding: dict[tuple[str, str], str], entry: LogEntry) -> None:
    if entry.action == "withdrawn":
        del holding[entry.assessor, entry.key]
    else:
        holding[entry.assessor, entry.key] = entry.hash


def _hash(fields: dict[str, Any]) -> str:
    return sha256_bytes(canonical_json({k: v for k, v in fields.items() if k != "hash"}).encode())


def _line(entry: LogEntry) -> str:
    return canonical_json(entry.model_dump(by_alias=True))


def _parse(path: Path, data: bytes) -> tuple[Log, int]:
    """The verified log, and how many bytes of `data` it takes."""
    entries: list[LogEntry] = []
    holding: dict[tuple[str, str], str] = {}
    whole = 0
    for number, raw in enumerate(data.split(b"\n"), 1):
        end = whole + len(raw)
        last = end == len(data)
        if last and not raw:
            break
        try:
            entry = _verified(raw, entries[-1] if entries else None, holding)
        except _BrokenLineError as error:
            # A killed writer leaves the beginning of a line, which is never JSON. A line that only lacks its
            # line end is verified and kept like any other.
            if last and isinstance(error, _NotJsonError):
                torn = f"{path}:{number}: the last line was cut off while it was written; it is not counted"
                return Log(tuple(entries), torn), whole
            if isinstance(error, _OtherVersionError):
                raise FieldguideError(
                    f"{path}:{number}: {error}. A log of people's judgments must be read by the version of Fieldguide "
                    "that wrote it; one made from the labels of a data set may be removed, and is made again"
                ) from None
            raise FieldguideError(
                f"{path}:{number}: the log was changed here: {error}. Judgments are never edited: restore the file "
                "(`dvc checkout`, or your copy), and give changes as new judgments"
            ) from None
        _hold(holding, entry)
        entries.append(entry)
        whole = end if last else end + 1
    return Log(tuple(entries)), whole


class _BrokenLineError(Exception):
    """Why a line does not continue the chain."""


class _OtherVersionError(_BrokenLineError):
    """A line of another schema version."""


class _NotJsonError(_BrokenLineError):
    """A line that is no JSON text."""


def _verified(raw: bytes, before: LogEntry | None, holding: dict[tuple[str, str], str]) -> LogEntry:
    try:
        text = raw.decode("utf-8")
        fields = json.loads(text)
        version = fields.get("schema_version") if isinstance(fields, dict) else None
        if isinstance(version, int) and version != SCHEMA_VERSION:
            raise _OtherVersionError(f"has schema version {version}; this version reads {SCHEMA_VERSION}")
        entry = LogEntry.model_validate(fields)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise _NotJsonError("it is not JSON") from None
    except RecursionError:
        raise _BrokenLineError("it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise _BrokenLineError(f"{key or 'the line'}: {first['msg']}") from None
    # The text itself, not only its meaning: no second spelling of a line has the same hash.
    if _hash(fields) != entry.hash or _line(entry) != text:
        raise _BrokenLineError("its content does not have its hash")
    if entry.prev != (before.hash if before else None) or entry.seq != (before.seq + 1 if before else 1):
        raise _BrokenLineError("it does not follow the line before; a line was deleted, inserted or moved")
    if entry.key != entry.task_key:
        raise _BrokenLineError("its task_key is not that of its subtopic, image, guideline and pass")
    wrong = _contradiction(entry, holding.get((entry.assessor, entry.key)))
    if wrong:
        raise _BrokenLineError(wrong)
    return entry


def is_time(text: str) -> bool:
    """Whether a text is ISO 8601 with an offset."""
    if not re.match(r"\d{4}-\d{2}-\d{2}T", text):
        return False
    try:
        time = datetime.fromisoformat(text)
        time.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return time.tzinfo is not None
