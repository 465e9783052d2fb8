"""What is said beside the judgments: correspondence.jsonl, append-only, each line with the hash of the line before.

Nothing of it becomes a grade. Who asked what, what was answered, how training went and why the adjudicator ruled as
they did is kept as the judgments are: never edited, so that a release can say how its grades came about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from fieldguide.annotation.judgments.log import is_time, refuse_link
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import append_lines, canonical_json, locked, open_input, sha256_bytes

LONGEST = 4000
"""Characters of a question, a reply or a reason."""

_Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
_Id = Annotated[str, Field(min_length=1, max_length=200)]


class _Said(BaseModel):
    """What every line has.

    Attributes:
        at: ISO 8601 with offset.
        by: who, by the name of params.yaml; the manager is `manager`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    at: str
    by: _Id

    @field_validator("at")
    @classmethod
    def _is_time(cls, at: str) -> str:
        if not is_time(at):
            raise ValueError("must be ISO 8601 with an offset")
        return at


class AssessorQuestion(_Said):
    """An assessor asks, or flags something.

    Attributes:
        page_key: of the page that was before the assessor.
        image_id: the image that it is about; None: the page as a whole.
        flag: the image should not be here (private, offensive, illegal, damaged).
    """

    kind: Literal["question"] = "question"
    page_key: _Id
    subtopic_id: _Id
    image_id: _Id | None = None
    flag: bool = False
    text: _Text


class QuestionReply(_Said):
    """An answer to the question of line `question`. `faq`: it is shown to everybody, below the guidelines."""

    kind: Literal["reply"] = "reply"
    question: Annotated[int, Field(ge=1)]
    faq: bool = False
    text: _Text


class TrainingAnswer(_Said):
    """An answer to an image of known grade in a round of training, before any real page or after gold failed.

    Attributes:
        round: from 1.
        choice: that the assessor gave.
        expected: grade that is known.
        right: the choice gives that grade.
    """

    kind: Literal["training"] = "training"
    round: Annotated[int, Field(ge=1)]
    guideline: _Id
    subtopic_id: _Id
    image_id: _Id
    choice: _Id
    expected: Annotated[int, Field(ge=0)]
    right: bool


class RulingReason(_Said):
    """Why the adjudicator ruled so. `example`: it is shown in the guidelines, with the picture, below its grade."""

    kind: Literal["reason"] = "reason"
    task_key: _Id
    subtopic_id: _Id
    image_id: _Id
    choice: _Id
    example: bool = False
    text: _Text


Said = AssessorQuestion | QuestionReply | TrainingAnswer | RulingReason
"""A line, without its place in the file."""


class Line(BaseModel):
    """A line of the file: what was said, its number from 1, and the hashes that chain it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    said: Annotated[Said, Field(discriminator="kind")]
    seq: Annotated[int, Field(ge=1)]
    prev: str | None
    hash: str


_LINE = TypeAdapter(Line)


def read(path: Path) -> tuple[Line, ...]:
    """The lines, oldest first; none where there is no file. A last line that a kill cut off is left out.

    Raises:
        FieldguideError: a line was changed, removed or moved; names it.
    """
    if not path.exists():
        return ()
    with open_input(path) as stream:
        return _parse(path, stream.read())[0]


def append(path: Path, said: Iterable[Said]) -> tuple[Line, ...]:
    """Verify the file, append to it, wait until it is on the disk. Returns the new lines.

    Raises:
        FieldguideError: a line was changed; nothing is written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_link(path)
    with locked(path), path.open("r+b") as stream:
        data = stream.read()
        lines, whole = _parse(path, data)
        new = _chained(lines, said)
        append_lines(stream, data, whole, (canonical_json(line.model_dump()) for line in new))
    return tuple(new)


def _chained(lines: Sequence[Line], said: Iterable[Said]) -> list[Line]:
    prev = lines[-1].hash if lines else None
    new: list[Line] = []
    for seq, one in enumerate(said, len(lines) + 1):
        fields: dict[str, Any] = {"said": one.model_dump(), "seq": seq, "prev": prev}
        prev = _hash(fields)
        new.append(Line(said=one, seq=seq, prev=fields["prev"], hash=prev))
    return new


def _hash(fields: dict[str, Any]) -> str:
    return sha256_bytes(canonical_json(fields).encode())


def _parse(path: Path, data: bytes) -> tuple[tuple[Line, ...], int]:
    """The verified lines, and how many bytes of `data` they take."""
    lines: list[Line] = []
    whole = 0
    for number, raw in enumerate(data.splitlines(keepends=True), 1):
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError):
            if not raw.endswith(b"\n"):
                break  # the beginning of a line, which a killed writer left
            fields = None
        try:
            line = _LINE.validate_python(fields)
        except ValidationError as error:
            raise _changed(path, number, str(error.errors()[0]["msg"])) from None
        before = lines[-1] if lines else None
        if line.hash != _hash({key: fields[key] for key in ("said", "seq", "prev")}):
            raise _changed(path, number, "its content does not have its hash")
        if line.seq != number or line.prev != (before.hash if before else None):
            raise _changed(path, number, "it does not follow the line before")
        lines.append(line)
        whole += len(raw)
    return tuple(lines), whole


def _changed(path: Path, number: int, why: str) -> FieldguideError:
    return FieldguideError(
        f"{path}:{number}: the file was changed here: {why}. What people said is never edited: restore the file "
        "(`dvc checkout`, or your copy)"
    )
