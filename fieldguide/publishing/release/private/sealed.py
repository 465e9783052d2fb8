"""The sealed part of a benchmark: withheld judgments and answers, the salt, and the commitment to them.

A commitment is the sha256 of the salt (as it is written, 64 hex digits) followed by the bytes of a file. It says
nothing of the file to whoever does not have the salt, and once both are published nobody can show another file for it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import canonical_json, read_json, read_text, sha256_bytes, write_private
from fieldguide.core.paths import Paths
from fieldguide.core.tables import SCHEMA_VERSION
from fieldguide.evaluation.judged import shaped
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.private.draw import APPEARANCE, PrivatePart
from fieldguide.publishing.release.section import PrivateSplit
from fieldguide.records.runs import read_qrels_trec
from fieldguide.records.topics import Topic, read_topics

ABOUT, QRELS, TOPICS = "private.json", "qrels.trec", "topics.jsonl"
COMMITTED = (QRELS, TOPICS)
VERSION = 1
_SALT = re.compile(r"[0-9a-f]{64}")
# What they say hangs on which images were judged, and so they would tell.
_TELLING = re.compile(r"judged|bpref|infap", re.IGNORECASE)


@dataclass(frozen=True)
class SealedPart:
    """What the private folder holds, apart from the ledger.

    Attributes:
        name, version: of the release that withholds it.
        salt: 64 hex digits.
        subtopics: that are private, judged or not.
        entities: names of the entities of `labels` and `values`, by entity_id.
        labels: entity_id of the gallery's images of entities that no public subtopic asks for, by image_id.
        values: (entity_id, feature, value) that are withheld.
        published: how many subtopics have public judgments, and how many topics public answers.
        measures: that runs are scored by; none of them says what was judged.
        confidence: of intervals.
        depth: so many images of the gallery a run must rank for each subtopic that it ranks anything for.
        tries: that a team has.
        texts: of QRELS and TOPICS, by name.
    """

    name: str
    version: str
    salt: str
    subtopics: list[str]
    entities: dict[str, list[str]]
    labels: dict[str, str]
    values: list[tuple[str, str, str]]
    published: dict[str, int]
    measures: list[str]
    confidence: float
    depth: int
    tries: int
    texts: dict[str, str]

    @property
    def commitment(self) -> dict[str, str]:
        """By file, as release.json states it."""
        return {name: sha256_bytes((self.salt + self.texts[name]).encode()) for name in COMMITTED}

    @cached_property
    def grades(self) -> dict[tuple[str, str], int]:
        """By (subtopic_id, image_id)."""
        lines = (line.split(" ") for line in self.texts[QRELS].splitlines())
        return {(subtopic, image): int(grade) for subtopic, _, image, grade in lines}

    @cached_property
    def topics(self) -> list[Topic]:
        """Whose answer is withheld."""
        known = [field.name for field in fields(Topic)]
        lines = (json.loads(line) for line in self.texts[TOPICS].splitlines())
        return [Topic(**{name: line[name] for name in known if name in line}) for line in lines]

    @property
    def qrels(self) -> pd.DataFrame:
        """Columns subtopic_id, image_id, grade."""
        rows = [(*pair, grade) for pair, grade in self.grades.items()]
        return pd.DataFrame(rows, columns=["subtopic_id", "image_id", "grade"])


def read_salt(split: PrivateSplit, paths: Paths) -> str:
    """The secret of the commitment, 64 hex digits.

    Raises:
        FieldguideError: there is none, or it is something else. It is never shown.
    """
    if split.salt_from is not None:
        where, text = f"environment variable {split.salt_from}", os.environ.get(split.salt_from, "")
    else:
        where = str(paths.salt)
        text = read_text(paths.salt) if paths.salt.is_file() else ""
    if not text.strip():
        remedy = (
            "put 64 hex digits there that nobody knows" if split.salt_from else "`fieldguide release seal` makes one"
        )
        raise FieldguideError(f"{where}: holds no salt; {remedy}, once")
    if not _SALT.fullmatch(text.strip()):
        raise FieldguideError(f"{where}: is no salt; expected 64 hex digits, as `fieldguide release seal` makes them")
    return text.strip()


def seal(benchmark: Benchmark, part: PrivatePart, salt: str) -> SealedPart:
    """What is withheld, from the whole benchmark. The same benchmark, params and salt give the same."""
    params, split = benchmark.params, _split(benchmark.params)
    judged = set(benchmark.qrels["subtopic_id"])
    gallery = benchmark.images[benchmark.images["split"] == "gallery"]
    values = sorted(_values(benchmark, part))
    named = part.entities | {entity for entity, *_ in values}
    shown = gallery[gallery["entity_id"].isin(list(part.entities))]
    names = benchmark.entities[["entity_id", "name", "aliases"]].itertuples(index=False, name=None)
    return SealedPart(
        name=params.release.name,
        version=params.release.version,
        salt=salt,
        subtopics=sorted(part.subtopics),
        entities={str(e): [str(name), *map(str, also)] for e, name, also in names if e in named},
        labels=dict(sorted(zip(shown["image_id"], shown["entity_id"], strict=True))),
        values=values,
        published={"subtopics": len(judged - part.subtopics), "topics": len(part.all) - len(part.topics)},
        # One, since each more tells more of single images: see docs/releasing.md.
        measures=["nDCG@10" if _TELLING.search(params.evaluate.headline) else params.evaluate.headline],
        confidence=params.evaluate.confidence,
        depth=min(params.retrieve.depth, len(gallery)),
        tries=split.tries,
        texts={
            QRELS: _qrels_text(benchmark.qrels[benchmark.qrels["subtopic_id"].isin(list(part.subtopics))]),
            TOPICS: "".join(_line(asdict(t) | {"schema_version": SCHEMA_VERSION}) for t in part.topics.values()),
        },
    )


def write_sealed(sealed: SealedPart, folder: Path, salt_from: str | None = None) -> None:
    """Write the private folder, for its owner's eyes only; the ledger in it stays as it is.

    What was sealed before and is something else goes to `earlier/`, by the hash that its release is committed to: that
    release can still be scored and opened. A salt that comes from the environment is not written.
    """
    _keep_earlier(folder, sealed)
    about = {key: value for key, value in asdict(sealed).items() if key not in ("texts", "salt")}
    about |= {"salt_from": salt_from} if salt_from else {"salt": sealed.salt}
    for name, text in sealed.texts.items():
        write_private(folder / name, text)
    stated = about | {"schema_version": VERSION, "commitment": sealed.commitment}
    write_private(folder / ABOUT, canonical_json(stated) + "\n")


def _keep_earlier(folder: Path, sealed: SealedPart) -> None:
    path = folder / ABOUT
    if not path.is_file():
        return
    values = read_json(path)
    stated = values.get("commitment") if isinstance(values, dict) else None
    if stated == sealed.commitment:
        return
    named = str(stated.get(QRELS, "")) if isinstance(stated, dict) else ""
    place = folder / "earlier" / (named[:16] if _SALT.fullmatch(named) else sha256_bytes(path.read_bytes())[:16])
    for name in (*COMMITTED, ABOUT, "ledger.jsonl"):
        if (folder / name).is_file():
            write_private(place / name, read_text(folder / name))


def read_sealed(folder: Path) -> SealedPart:
    """A private folder whose files are those that it is committed to.

    Raises:
        FieldguideError: it is none, or of another version.
        ProblemsError: files that were changed since they were sealed.
    """
    path = folder / ABOUT
    if not path.is_file():
        raise FieldguideError(f"{path}: no such file; with release.private set, `fieldguide build release` writes it")
    values = read_json(path)
    found = values.pop("schema_version", None) if isinstance(values, dict) else None
    if found != VERSION:
        raise FieldguideError(f"{path}: is of version {found}, expected {VERSION}; build the release anew")
    stated, salt_from = values.pop("commitment", None), values.pop("salt_from", None)
    if salt_from is not None:
        values["salt"] = os.environ.get(str(salt_from), "").strip()
        if not _SALT.fullmatch(values["salt"]):
            raise FieldguideError(
                f"environment variable {salt_from}: holds no salt; {path} was sealed with what it held"
            )
    read_topics(folder / TOPICS)
    texts = {name: read_text(folder / name) for name in COMMITTED}
    whole = shaped(values | {"texts": texts}, path, SealedPart, "release")
    sealed = SealedPart(**{field.name: whole[field.name] for field in fields(SealedPart)})
    problems = list(_changed(folder, sealed, stated))
    if problems:
        raise ProblemsError(f"{folder}: was changed since it was sealed; build the release anew:", problems)
    return sealed


def _changed(folder: Path, sealed: SealedPart, stated: Any) -> Iterator[Problem]:
    for name, found in sealed.commitment.items():
        told = stated.get(name) if isinstance(stated, dict) else None
        if told != found:
            yield Problem(str(folder / name), f"is not what was committed to: {found}, and {ABOUT} says {told}")
    if _qrels_text(read_qrels_trec(folder / QRELS)) != sealed.texts[QRELS]:
        yield Problem(str(folder / QRELS), "is not written as it was: SUBTOPIC 0 IMAGE GRADE, sorted")


def _values(benchmark: Benchmark, part: PrivatePart) -> Iterator[tuple[str, str, str]]:
    columns = benchmark.attributes[["entity_id", "feature", "value"]]
    yield from (row for row in columns.itertuples(index=False, name=None) if part.hides(row[0], row[1]))
    for entity, text in zip(benchmark.entities["entity_id"], benchmark.entities["description"], strict=True):
        if text and part.hides(str(entity), APPEARANCE):
            yield str(entity), APPEARANCE, str(text)


def _qrels_text(qrels: pd.DataFrame) -> str:
    columns = (qrels[name].astype(str) for name in ("subtopic_id", "image_id", "grade"))
    return "".join(sorted(f"{s} 0 {i} {g}\n" for s, i, g in zip(*columns, strict=True)))


def _split(params: Params) -> PrivateSplit:
    if params.release.private is None:
        raise FieldguideError("params.yaml: release.private is null; nothing is withheld")
    return params.release.private


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"
