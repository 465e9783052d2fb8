"""What came from the annotation server and is no judgment: kept with its reason, so that nothing vanishes silently."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fieldguide.annotation.judgments.log import refuse_link
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import append_lines, content_key, locked, open_input

SCHEMA_VERSION = 1
_MOST_EVIDENCE = 4000

Reason = Literal[
    "unknown-page",
    "page-changed",
    "unknown-author",
    "not-asked",
    "unknown-guideline",
    "edited-by-another",
    "made-in-bulk",
    "second-annotation",
    "malformed",
    "no-such-image",
    "not-one-choice",
    "unknown-choice",
]

_REMEDIES: dict[Reason, str] = {
    "unknown-page": "no page of the plan has this key: restore data/judgments/plan.parquet if it was lost; "
    "a task that somebody made by hand can be deleted on the server",
    "page-changed": "the task does not show what the plan asks: delete it on the server, `fieldguide annotate push`, "
    "and let the assessor judge the page anew",
    "unknown-author": "add the person to the accounts and to annotate.assessors, then pull again; "
    "or let the one who was asked judge the page",
    "not-asked": "let the assessor who was asked judge the page; this answer can be deleted on the server",
    "unknown-guideline": "restore the version under data/judgments/guidelines, then pull again",
    "edited-by-another": "the log keeps what it had: let the author open the page and submit again, or delete it there",
    "made-in-bulk": "it was not given through the form: delete it on the server and let the assessor judge the page",
    "second-annotation": "one judgment counts for a person and page: delete the one that does not hold",
    "malformed": "let the assessor open the page and submit again",
    "no-such-image": "the page has fewer images: let the assessor open the page and submit again",
    "not-one-choice": "let the assessor open the page, give the image one choice and submit again",
    "unknown-choice": "the guideline does not have it: `fieldguide annotate push` restores the form, then let the "
    "assessor open the page and submit again",
}


class Quarantined(BaseModel):
    """One answer that was refused (a line of quarantine.jsonl).

    Attributes:
        detail: what is wrong, in words.
        page_key: that the task names; None where it names none.
        position: of the image on the page, from 1; None where the whole annotation is refused.
        assessor: the author's name of params.yaml; None where it is nobody of them.
        author: the author's number on the server.
        updated_by: number of the user who wrote it last.
        updated_at: the server's time of that.
        evidence: the annotation's result as JSON text, cut where it is long.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason
    detail: str
    project: int
    task: int
    annotation: int
    page_key: str | None
    position: Annotated[int, Field(ge=1)] | None = None
    assessor: str | None = None
    author: int | None = None
    updated_by: int | None = None
    updated_at: str | None = None
    evidence: str

    @property
    def key(self) -> str:
        """Identity: sha256 of all fields but `detail` and the time. However often it is read, it is kept once."""
        return content_key(**self.model_dump(exclude={"detail", "updated_at"}))

    @property
    def remedy(self) -> str:
        """What a manager can do."""
        return _REMEDIES[self.reason]


def evidence(result: object) -> str:
    """A result as JSON text of ASCII characters, whatever it holds; cut where it is long."""
    try:
        text = json.dumps(result, sort_keys=True, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        return "(cannot be written as JSON)"
    return text if len(text) <= _MOST_EVIDENCE else f"{text[:_MOST_EVIDENCE]} ... ({len(text)} characters in all)"


def append(path: Path, refused: Iterable[Quarantined]) -> list[Quarantined]:
    """Append what is not there yet, and wait until it is on the disk. A line torn by a kill is dropped.

    Returns:
        What was appended.

    Raises:
        FieldguideError: a line that is no refusal; names it.
    """
    offered = list(refused)
    if not offered and not path.exists():
        return []
    refuse_link(path)
    with locked(path), path.open("r+b") as stream:
        data = stream.read()
        known, whole = _keys(path, data)
        new = {r.key: r for r in offered if r.key not in known}
        append_lines(stream, data, whole, (_line(r) for r in new.values()))
    return list(new.values())


def read(path: Path) -> list[dict[str, Any]]:
    """The lines, oldest first; none where there is no file. A torn last line is left out.

    Raises:
        FieldguideError: a line that is no refusal; names it.
    """
    if not path.exists():
        return []
    with open_input(path) as stream:
        return _parse(path, stream.read())[0]


def _line(refused: Quarantined) -> str:
    fields = {"schema_version": SCHEMA_VERSION, "key": refused.key, **refused.model_dump(), "remedy": refused.remedy}
    return json.dumps(fields)


def _keys(path: Path, data: bytes) -> tuple[set[str], int]:
    lines, whole = _parse(path, data)
    return {line["key"] for line in lines}, whole


def _parse(path: Path, data: bytes) -> tuple[list[dict[str, Any]], int]:
    """The lines, and how many bytes of `data` they take."""
    lines: list[dict[str, Any]] = []
    whole = 0
    for number, raw in enumerate(data.splitlines(keepends=True), 1):
        try:
            line = json.loads(raw)
        except ValueError:
            if not raw.endswith(b"\n"):
                break
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("key"), str):
            raise FieldguideError(
                f"{path}:{number}: no refusal of pull. The file is written by `fieldguide annotate pull` alone: "
                "restore it, or move it away and pull again"
            )
        lines.append(line)
        whole += len(raw)
    return lines, whole
