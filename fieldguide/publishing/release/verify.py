"""Verifying a release folder: checksums, references, photographs, counts and scores, all recomputed."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import open_input, read_json, read_jsonl, sha256_bytes, sha256_file
from fieldguide.core.stores import is_own_link, repository_of
from fieldguide.corpus.sources.archives import DAMAGED_TAR
from fieldguide.models.calls.store import CALLS, read_packed
from fieldguide.publishing.release.layout import (
    ABOUT,
    ANSWERS,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    PHOTOGRAPHS,
    SUM_LINE,
    SUMS,
    TABLES,
    run_file,
    schemas,
)
from fieldguide.publishing.release.parts.parts import wrong_parts
from fieldguide.publishing.release.private.stated import wrong_private
from fieldguide.publishing.release.verify_answers import wrong_answers
from fieldguide.publishing.release.verify_card import wrong_card
from fieldguide.publishing.release.verify_forms import Primary, wrong_forms
from fieldguide.publishing.release.verify_judgments import wrong_judgments
from fieldguide.publishing.release.verify_means import wrong_means
from fieldguide.publishing.release.verify_statistics import wrong_statistics
from fieldguide.records.runs import TRACKS, read_qrels_trec, read_run
from fieldguide.records.topics import read_topics

T = TypeVar("T")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def verify_release(folder: Path) -> None:
    """Recompute all that a release says of itself.

    Raises:
        FieldguideError: `folder` is no release, or one of a version that this code does not read.
        ProblemsError: everything that does not agree.
    """
    about = read_json(folder / ABOUT)
    found = (about.get("format"), about.get("format_version")) if isinstance(about, dict) else (None, None)
    if found != (FORMAT, FORMAT_VERSION):
        raise FieldguideError(
            f"{folder / ABOUT}: is {found[0]!r} version {found[1]!r}; expected {FORMAT!r} version {FORMAT_VERSION}"
        )
    listed, problems = _listed(folder)
    problems += [*_differences(folder, listed), *_Content(folder, about, listed).problems()]
    if problems:
        raise ProblemsError(f"{folder} does not agree with itself:", problems)


def wrong_sums(folder: Path) -> list[Problem]:
    """What of a release's bytes is not as SHA256SUMS says: its lines, files that are changed, missing or not listed."""
    listed, problems = _listed(folder)
    return [*problems, *_differences(folder, listed)]


def _listed(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    """What SHA256SUMS lists, and what is wrong with its lines."""
    path = folder / SUMS
    if not path.is_file():
        return {}, [Problem(str(path), "is missing; it lists the sha256 of every other file")]
    listed: dict[str, str] = {}
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        match = SUM_LINE.fullmatch(line)
        if match is None:
            problems.append(Problem(f"{path}:{number}", "is not `SHA256  FILE`"))
            continue
        name = match[2]
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            problems.append(Problem(f"{path}:{number}", f"{name!r} lies outside the release"))
        elif name in listed:
            problems.append(Problem(f"{path}:{number}", f"{name} is listed twice"))
        else:
            listed[name] = match[1]
    if list(listed) != sorted(listed):
        problems.append(Problem(str(path), "is not sorted by file name"))
    return listed, problems


def _differences(folder: Path, listed: Mapping[str, str]) -> Iterator[Problem]:
    """Files against what SHA256SUMS lists, both ways."""
    if not (folder / SUMS).is_file():
        return
    home = repository_of(folder)  # whose DVC may keep the release as links into its cache
    there = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_symlink() or p.is_file()}
    for name in sorted(set(there) - set(listed) - {SUMS}):
        yield Problem(str(folder / name), f"is not listed in {SUMS}")
    for name, expected in listed.items():
        if name not in there:
            yield Problem(str(folder / name), f"is listed in {SUMS} and missing")
        elif there[name].is_symlink() and not is_own_link(there[name], home):
            yield Problem(str(folder / name), "is a link; a release holds files")
        elif sha256_file(there[name]) != expected:
            yield Problem(str(folder / name), f"was changed: its sha256 is not the one in {SUMS}")


class _Content:
    """What the files of a release say, held against each other. A file that cannot be read is one problem."""

    def __init__(self, folder: Path, about: dict[str, Any], sums: Mapping[str, str]) -> None:
        self.folder, self.about, self.sums = folder, about, sums
        self.unreadable: list[Problem] = []
        self.tables: dict[str, pd.DataFrame | None] = {
            name: self._read(lambda path, table=table: table.read(path), name)  # type: ignore[misc]
            for name, table in TABLES.items()
        }
        self.topics = self._read(read_topics, "topics.jsonl")
        self.queries = self._read(lambda path: [row for _, row in read_jsonl(path)], "queries.jsonl")
        self.qrels_trec = self._read(read_qrels_trec, "qrels/qrels.trec")
        self.leaderboard = self._read(read_json, "leaderboard.json")
        self.comparisons = self._read(read_json, "comparisons.json")
        self.answering = self._read(read_json, "answering.json")
        self.runs = {name: self._read(read_run, name) for name in self._run_files()}

    def problems(self) -> Iterator[Problem]:
        """Everything that does not agree."""
        yield from self.unreadable
        if self.about.get("tables") != schemas():
            yield self._problem(ABOUT, "describes other columns than this version's tables have")
        yield from self._references()
        yield from self._qrels()
        yield from self._photographs()
        if (self.folder / ANSWERS / CALLS).exists():
            yield from read_packed(self.folder / ANSWERS)[1]
        if not self.unreadable:
            runs = {name: run for name, run in self.runs.items() if run is not None}
            qrels = self._table("qrels/qrels.parquet")
            counts = self._counts()
            yield from self._wrong_counts(counts)
            answers = self._table("answers.parquet")
            yield from wrong_answers(
                self.folder, self.topics or [], self._table("entities.parquet"), answers, self.answering
            )
            rows = {name: self._table(name) for name in ("pools.parquet", "qrels/qrels.parquet", "scores.parquet")}
            yield from wrong_private(self.folder, self.about.get("private"), self.topics or [], rows | runs)
            yield from wrong_judgments(self.folder, self._table("pools.parquet"), qrels)
            yield from wrong_forms(self._primary(runs))
            yield from wrong_parts(self.folder, self._table(MANIFEST), self.topics or [])
            wrong = list(self._scores(qrels, runs))
            yield from wrong
            if not wrong:  # the leaderboard is one
                yield from wrong_card(self.folder, counts, self.leaderboard, [*self.sums, SUMS] if self.sums else ())

    def _primary(self, runs: dict[str, pd.DataFrame]) -> Primary:
        """For use where nothing is unreadable."""
        tables = {name: self._table(name) for name in TABLES}
        by_name = {run_file(track, system): (track, system) for track in TRACKS for system in self.about["systems"]}
        given = {by_name[name]: run for name, run in runs.items()}
        return Primary(self.folder, self.about, self.topics or [], tables, self.queries or [], given, self.sums)

    def _scores(self, qrels: pd.DataFrame, runs: dict[str, pd.DataFrame]) -> Iterator[Problem]:
        """Means from the runs; if they agree, all that follows from the scores."""
        topics = self.topics or []
        wrong = list(wrong_means(self.folder, topics, qrels, self._table("pools.parquet"), runs, self.leaderboard))
        yield from wrong
        if not wrong:
            stated = {"leaderboard.json": self.leaderboard, "comparisons.json": self.comparisons}
            yield from wrong_statistics(self.folder, topics, self._table("scores.parquet"), stated)

    def _read(self, read: Callable[[Path], T], name: str) -> T | None:
        try:
            return read(self.folder / name)
        except ProblemsError as error:
            self.unreadable += error.problems
        except FieldguideError as error:
            self.unreadable.append(Problem(str(self.folder / name), str(error)))
        return None

    def _run_files(self) -> list[str]:
        """Files of the runs that release.json names. A name becomes part of a path, so it is held to what names are."""
        systems = self.about.get("systems")
        if not isinstance(systems, list) or not all(isinstance(s, str) and _NAME.fullmatch(s) for s in systems):
            what = f"systems is {systems!r}; expected a list of names of small letters, digits, - and _"
            self.unreadable.append(self._problem(ABOUT, what))
            return []
        return [run_file(track, system) for track in TRACKS for system in systems]

    def _table(self, name: str) -> pd.DataFrame:
        """A table that was read; for use where nothing is unreadable."""
        table = self.tables[name]
        if table is None:
            raise FieldguideError(f"{self.folder / name}: was not read")
        return table

    def _problem(self, name: str, what: str) -> Problem:
        return Problem(str(self.folder / name), what)

    def _references(self) -> Iterator[Problem]:
        """Subtopics and images that are named somewhere and do not exist."""
        manifest = self.tables[MANIFEST]
        if manifest is None or self.topics is None:
            return
        images = set(manifest["image_id"])
        subtopics = {s.subtopic_id for topic in self.topics for s in topic.subtopics}
        named: dict[str, pd.DataFrame | None] = {n: self.tables[n] for n in ("pools.parquet", "qrels/qrels.parquet")}
        for name, frame in (named | self.runs).items():
            if frame is None:
                continue
            for image in sorted(set(frame["image_id"]) - images):
                yield self._problem(name, f"names image {image}, which is not in {MANIFEST}")
            for subtopic in sorted(set(frame["subtopic_id"]) - subtopics):
                yield self._problem(name, f"names subtopic {subtopic}, which is not in topics.jsonl")
        if self.queries is not None and {query.get("_id") for query in self.queries} != subtopics:
            yield self._problem("queries.jsonl", "has other queries than topics.jsonl has subtopics")
        wrong = manifest[manifest["sha256"].str[:16] != manifest["image_id"]]
        for image in wrong["image_id"]:
            yield self._problem(MANIFEST, f"image_id {image} is not the beginning of its sha256")

    def _qrels(self) -> Iterator[Problem]:
        """The two forms of the qrels."""
        qrels = self.tables["qrels/qrels.parquet"]
        if qrels is None or self.qrels_trec is None:
            return
        columns = ["subtopic_id", "image_id", "grade"]
        both = [sorted(map(tuple, frame[columns].to_numpy().tolist())) for frame in (qrels, self.qrels_trec)]
        if both[0] != both[1]:
            yield self._problem("qrels/qrels.trec", "holds other grades than qrels/qrels.parquet")

    def _photographs(self) -> Iterator[Problem]:
        """Archives against the manifest: exactly the images with a licence, with the bytes of their sha256."""
        manifest = self.tables[MANIFEST]
        if manifest is None:
            return
        for row in manifest[manifest["archive"].notna() & ~manifest["licence"].map(bool)].itertuples():
            yield self._problem(MANIFEST, f"image {row.image_id} is in {row.archive} and has no licence")
        held = manifest[manifest["archive"].notna()]
        expected = {(row.archive, row.image_id): row.sha256 for row in held.itertuples(index=False)}
        for path in sorted((self.folder / PHOTOGRAPHS).glob("*")):
            name = f"{PHOTOGRAPHS}/{path.name}"
            try:
                for member, digest in _members(path):
                    image = member.partition(".")[0]
                    right = expected.pop((path.name, image), None)
                    if right is None:
                        yield self._problem(name, f"holds {member}, which {MANIFEST} does not place there")
                    elif digest != right:
                        yield self._problem(name, f"holds {member} with other bytes than its sha256 in {MANIFEST}")
            except (FieldguideError, *DAMAGED_TAR) as error:
                yield self._problem(name, f"is not a readable tar: {error}")
        for archive, lacking in sorted(expected):
            yield self._problem(f"{PHOTOGRAPHS}/{archive}", f"lacks image {lacking}")

    def _counts(self) -> dict[str, int]:
        """The counts of release.json, made again."""
        manifest, qrels = self._table(MANIFEST), self._table("qrels/qrels.parquet")
        topics = self.topics or []
        return {
            "topics": len(topics),
            "subtopics": sum(len(topic.entities) for topic in topics),
            "entities": len(self._table("entities.parquet")),
            "images": len(manifest),
            "photographs": int(manifest["archive"].notna().sum()),
            "pooled": len(self._table("pools.parquet")),
            "qrels": len(qrels),
            "relevant": int((qrels["grade"] > 0).sum()),
            "runs": len(self.runs),
        }

    def _wrong_counts(self, counted: dict[str, int]) -> Iterator[Problem]:
        stated = self.about.get("counts")
        for name, count in counted.items():
            if not isinstance(stated, dict) or stated.get(name) != count:
                given = stated.get(name) if isinstance(stated, dict) else None
                yield self._problem(ABOUT, f"counts.{name} is {given}; the files hold {count}")


def _members(path: Path) -> Iterator[tuple[str, str]]:
    """(name, sha256 of the bytes) of every member, "" for what is no file. Nothing is unpacked."""
    with open_input(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            yield member.name, sha256_bytes(stream.read()) if stream else ""
