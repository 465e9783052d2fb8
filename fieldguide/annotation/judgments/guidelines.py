"""Guidelines by version: which choices an assessor has, which grade each gives, what each grade means.

`annotation/guidelines.md` is the one in force: its head (YAML between two lines of `---`) says the version, the
choices and the grades; its body is what assessors read. A version is never changed once somebody was asked by
it; a change is a new version. `archive` keeps each version that was ever used beside the judgments, so that
they can be understood without the repository's history and without a server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_open, read_text
from fieldguide.core.yaml_files import parse_yaml

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Words = Annotated[str, Field(min_length=1)]


class Choice(BaseModel):
    """One answer an assessor can give.

    Attributes:
        choice: its name in the log.
        grade: what it says about relevance; None where it says nothing (`cannot-tell`, `broken-image`).
        label: on the form, short.
        key: that gives it where one image is shown at a time.
        definition: when to give it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    choice: Slug
    grade: Annotated[int, Field(ge=0, le=9)] | None
    label: Words
    key: Annotated[str, Field(pattern=r"^[a-z0-9]$")]
    definition: Words


class Guideline(BaseModel):
    """One version of the guidelines. `body` is Markdown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Slug
    about: Words
    answers: Annotated[tuple[Choice, ...], Field(min_length=2)]
    body: str = ""

    @cached_property
    def choices(self) -> Mapping[str, int | None]:
        """Grade by choice."""
        return {answer.choice: answer.grade for answer in self.answers}

    @cached_property
    def grades(self) -> Mapping[int, str]:
        """Definition by grade."""
        return {answer.grade: answer.definition for answer in self.answers if answer.grade is not None}

    @model_validator(mode="after")
    def _tells_apart(self) -> Guideline:
        for what in ("choice", "key", "grade"):
            values = [v for answer in self.answers if (v := getattr(answer, what)) is not None]
            twice = sorted({str(v) for v in values if values.count(v) > 1})
            if twice:
                raise ValueError(f"two answers have the same {what}: {', '.join(twice)}")
        if 0 not in self.grades or len(self.grades) < 2:
            raise ValueError("grade 0 (not relevant) and at least one grade above it must have an answer")
        return self


DATASET_LABEL = Guideline(
    version="dataset-label-1",
    about=(
        "Nobody looked at the photographs: every grade is taken from the data set's label of the photograph. "
        "The asked features are such as any photograph of the whole entity shows, so that a photograph of it "
        "is taken to show the feature. Where a photograph shows more than its label says, the grade does not know."
    ),
    answers=(
        Choice(
            choice="relevant",
            grade=1,
            label="relevant",
            key="1",
            definition="Relevant: the data set labels the photograph with the entity of the subtopic.",
        ),
        Choice(
            choice="not-relevant",
            grade=0,
            label="not relevant",
            key="0",
            definition="Not relevant: the data set labels the photograph with another entity, or with none.",
        ),
    ),
)


def read_guideline(path: Path) -> Guideline:
    """Read one guidelines file.

    Raises:
        FieldguideError: no such file, or no YAML head.
        ProblemsError: everything that is wrong in the head.
    """
    head, body = _split(path)
    try:
        return Guideline.model_validate(head | {"body": body})
    except ValidationError as error:
        problems = [Problem(f"{path}: {'.'.join(map(str, e['loc'])) or 'head'}", f"{e['msg']}") for e in error.errors()]
        raise ProblemsError(f"{path} has no valid head:", problems) from None


def archive(path: Path, folder: Path) -> Guideline:
    """Keep the guidelines of `path` as `folder/VERSION.md`, for good; no change if they are there.

    Raises:
        FieldguideError: the folder holds this version with another text.
    """
    guideline = read_guideline(path)
    kept = folder / f"{guideline.version}.md"
    text = read_text(path)
    if kept.exists():
        if read_text(kept) != text:
            raise FieldguideError(
                f"{path}: was changed after people were asked by version {guideline.version} (see {kept}); "
                "give it a new `version`, so that each judgment keeps the words that it was given by"
            )
        return guideline
    with atomic_open(kept) as stream:
        stream.write(text)
    return guideline


def archived(folder: Path) -> dict[str, Guideline]:
    """Every version of a folder that `archive` filled, and the built-in one of data set labels, by version."""
    kept = [read_guideline(path) for path in sorted(folder.glob("*.md"))]
    return {guideline.version: guideline for guideline in [DATASET_LABEL, *kept]}


def refuse_labels(entries: Iterable[LogEntry], path: Path) -> None:
    """Refuse a log that is no place for people's judgments.

    Args:
        entries: lines of the log.
        path: where it lies.

    Raises:
        FieldguideError: it holds the data set's labels.
    """
    if any(entry.guideline == DATASET_LABEL.version for entry in entries):
        raise FieldguideError(
            f"{path}: holds the data set's labels, which the stage `adjudicate` makes again at any time; people's "
            "judgments need a log of their own: delete this one, and set adjudicate.judge to `log` in params.yaml"
        )


def counting(entries: Iterable[LogEntry], version: str | None, known: Mapping[str, Guideline]) -> list[LogEntry]:
    """The judgments that count: by `version` and those with the same choices and grades; all where it is None.

    Raises:
        FieldguideError: nobody was asked by that version.
    """
    if version is None:
        return list(entries)
    if version not in known:
        raise FieldguideError(
            f"params.yaml: adjudicate.guideline: {version!r} is unknown; known: {', '.join(sorted(known))}"
        )
    same = interchangeable(known[version], known)
    return [entry for entry in entries if entry.guideline in same]


def interchangeable(guideline: Guideline, known: Mapping[str, Guideline]) -> frozenset[str]:
    """Versions whose judgments count together: this one, and those of `known` with the same choices and grades."""
    same = (guideline.choices, guideline.grades)
    return frozenset({guideline.version, *(v for v, g in known.items() if (g.choices, g.grades) == same)})


def guidelines_of(entries: Iterable[LogEntry], where: str, known: Mapping[str, Guideline]) -> list[Guideline]:
    """The guidelines that were judged by, in the order of their versions.

    Raises:
        ProblemsError: lines with an unknown guideline, or a choice or grade that theirs does not have; all of them.
        FieldguideError: two guidelines define one grade differently, so that grades cannot be put together.
    """
    used, problems = set(), []
    for entry in entries:
        guideline = known.get(entry.guideline)
        if guideline is None:
            what = f"guideline {entry.guideline!r} is unknown; known: {', '.join(sorted(known))}"
            problems.append(Problem(f"{where}:{entry.seq}", what))
            continue
        used.add(guideline.version)
        if entry.choice is not None and (entry.choice, entry.grade) not in guideline.choices.items():
            allowed = ", ".join(f"{c} ({'no grade' if g is None else g})" for c, g in guideline.choices.items())
            what = f"choice {entry.choice!r} with grade {entry.grade} is not in {guideline.version}; allowed: {allowed}"
            problems.append(Problem(f"{where}:{entry.seq}", what))
    if problems:
        raise ProblemsError(f"{where}: judgments that their guideline does not allow:", problems)
    versions = sorted(used)
    if len({tuple(sorted(known[v].grades.items())) for v in versions}) > 1:
        raise FieldguideError(
            f"{where}: the guidelines {', '.join(versions)} define the same grades differently; "
            "name the one whose judgments count in params.yaml: adjudicate.guideline"
        )
    return [known[version] for version in versions]


def _split(path: Path) -> tuple[dict[str, Any], str]:
    """Head and body."""
    if not path.exists():
        raise FieldguideError(
            f"{path}: no such file; write the guidelines that people judge by there "
            "(docs/annotating.md, 1; `fieldguide init` in an empty folder writes some to begin with)"
        )
    text = read_text(path)
    _, _, rest = text.partition("---\n")
    head, end, body = rest.partition("\n---\n")
    if not text.startswith("---\n") or not end:
        raise FieldguideError(f"{path}: must begin with a head between two lines of `---` (version, about, answers)")
    values = parse_yaml(f"\n{head}", str(path))  # its lines are those of the file
    if not isinstance(values, dict):
        raise FieldguideError(f"{path}: the head must hold version, about and answers")
    return values, body.strip()
