"""A finished benchmark as one object, for those who read it whole: report, release and lineage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd
import yaml

from fieldguide.answering.figures.rows import AnsweringReport
from fieldguide.checks.expectations.run import Outcome
from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.fidelity.fidelity import FidelityReport
from fieldguide.evaluation.fitness.assess import FitnessReport
from fieldguide.evaluation.judged import JudgedBenchmark, read_versioned, shaped
from fieldguide.evaluation.leaderboard.rows import ComparisonRow, LeaderboardRow
from fieldguide.evaluation.probing.probes import ProbesReport
from fieldguide.params import Params
from fieldguide.records.answers import ANSWERING_VERSION, ANSWERS
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import REJECTED
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.runs import SEARCH_VERSION, TRACKS, IndexRecall
from fieldguide.records.scores import FIDELITY_VERSION, FITNESS_VERSION, PROBES_VERSION, SCORES
from fieldguide.records.topics import ROUNDS, Phrase, Refusal, read_phrases, read_refusals
from fieldguide.retrieval.systems.rounds import RoundPaths


@dataclass(frozen=True)
class _Checks:
    checks: list[Outcome]


@dataclass(frozen=True)
class _Searched:
    indexes: list[IndexRecall]


class Benchmark(JudgedBenchmark):
    """What all stages made, each file read and validated when it is first asked for."""

    def __init__(self, paths: Paths, params: Params) -> None:
        super().__init__(paths, params.retrieve.systems)
        self.params = params

    @cached_property
    def image_rows(self) -> dict[str, Any]:
        """Rows of IMAGES as named tuples, by image_id."""
        return {str(row.image_id): row for row in self.images.itertuples(index=False, name="ImageRow")}

    @cached_property
    def entities(self) -> pd.DataFrame:
        """ENTITIES, indexed by entity_id."""
        return ENTITIES.read(self.paths.entities).set_index("entity_id", drop=False)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """GROUPS, indexed by group_id."""
        return GROUPS.read(self.paths.groups).set_index("group_id", drop=False)

    @cached_property
    def attributes(self) -> pd.DataFrame:
        """ATTRIBUTES."""
        return ATTRIBUTES.read(self.paths.attributes)

    @cached_property
    def rejected(self) -> pd.DataFrame:
        """REJECTED."""
        return REJECTED.read(self.paths.rejected)

    @cached_property
    def drawings(self) -> pd.DataFrame:
        """DRAWINGS."""
        return DRAWINGS.read(self.paths.drawings)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """SCORES."""
        return SCORES.read(self.paths.evaluation / "scores.parquet")

    @cached_property
    def refused_topics(self) -> list[Refusal]:
        """What composing refused."""
        return read_refusals(self.paths.refused_topics)

    @cached_property
    def phrases(self) -> dict[str, Phrase]:
        """Phrases by subtopic_id."""
        return {phrase.subtopic_id: phrase for phrase in read_phrases(self.paths.phrases)}

    @cached_property
    def rounds(self) -> dict[str, pd.DataFrame]:
        """records.topics.ROUNDS by the system whose phrases were worded anew; those not made yet are left out."""
        tables = {name: RoundPaths(self.paths.root, name).rounds for name in self.params.refine.systems}
        return {name: ROUNDS.read(table) for name, table in tables.items() if table.exists()}

    @cached_property
    def recalls(self) -> dict[str, list[IndexRecall]]:
        """Recall of the indexes through which each system searched; systems that need none are left out."""
        if self.params.retrieve.index is None:
            return {}
        found = {system: _recalls(self.paths.searched(system)) for system in self.systems}
        return {system: recalls for system, recalls in found.items() if recalls}

    @cached_property
    def grade_file(self) -> dict[str, Any]:
        """grades.json: each grade's definition under its number, `about` what they rest on, and more."""
        path = self.paths.qrels / "grades.json"
        return dict(shaped(read_json(path), path, dict[str, Any], "adjudicate"))

    @property
    def grades(self) -> list[tuple[int, str]]:
        """Each grade with its definition, lowest first."""
        return sorted((int(grade), words) for grade, words in self.grade_file.items() if grade.isdecimal())

    @cached_property
    def leaderboard(self) -> list[dict[str, Any]]:
        """leaderboard.json: as `fieldguide.evaluation.leaderboard.rows.leaderboard` makes its rows."""
        path = self.paths.evaluation / "leaderboard.json"
        return list(shaped(read_json(path), path, list[LeaderboardRow], "evaluate"))

    @cached_property
    def comparisons(self) -> list[dict[str, Any]]:
        """comparisons.json: as `fieldguide.evaluation.leaderboard.rows.comparisons` makes its rows."""
        path = self.paths.evaluation / "comparisons.json"
        return list(shaped(read_json(path), path, list[ComparisonRow], "evaluate"))

    @cached_property
    def fitness(self) -> dict[str, Any]:
        """fitness.json, as `fieldguide.evaluation.fitness.assess.FitnessReport`.

        Raises:
            FieldguideError: the file is missing or of another version.
        """
        return read_versioned(self.paths.fitness, FITNESS_VERSION, FitnessReport)

    @cached_property
    def fidelity(self) -> dict[str, Any]:
        """fidelity.json, as `evaluation.fidelity.FidelityReport`. Raises FieldguideError as `fitness`."""
        return read_versioned(self.paths.fidelity, FIDELITY_VERSION, FidelityReport, "diagnose")

    @cached_property
    def probes(self) -> dict[str, Any]:
        """probes.json, as `fieldguide.evaluation.probing.probes.write_probes`. Raises FieldguideError as `fitness`."""
        return read_versioned(self.paths.probes, PROBES_VERSION, ProbesReport, "diagnose")

    @cached_property
    def answers(self) -> pd.DataFrame:
        """ANSWERS."""
        return ANSWERS.read(self.paths.answers)

    @cached_property
    def answering(self) -> dict[str, Any]:
        """answering.json, as `answering.figures.rows.AnsweringReport`. Raises FieldguideError as `fitness`."""
        return read_versioned(self.paths.answering, ANSWERING_VERSION, AnsweringReport, "answer")

    @cached_property
    def checks(self) -> list[dict[str, Any]]:
        """checks.json: {table, expectation, severity, success, unexpected, rows} each."""
        path = self.paths.checks / "checks.json"
        return list(shaped(read_json(path), path, _Checks, "check")["checks"])

    @cached_property
    def encoder_meta(self) -> dict[str, dict[str, Any]]:
        """meta.json of each encoder's corpus vectors."""
        return {e: read_json(self.paths.embeddings(e) / "meta.json") for e in self.params.embed.encoders}

    def files(self) -> list[Path]:
        """The files that every reader of a finished benchmark needs, in the order of the stages."""
        p = self.paths
        return [
            p.images, p.entities, p.attributes, p.groups, p.topics, p.phrases, p.pools,
            p.qrels / "qrels.parquet", p.qrels / "grades.json",
            *(p.run(track, system) for track in TRACKS for system in self.systems),
            p.checks / "checks.json",
            *(p.evaluation / name for name in ("scores.parquet", "leaderboard.json", "comparisons.json")),
        ]  # fmt: skip

    def require(self, purpose: str, files: Iterable[Path]) -> None:
        """Refuse to begin where files are missing or name things that do not exist.

        Raises:
            ProblemsError: all missing files; or, where none is missing, all references that lead nowhere.
        """
        missing = [Problem(str(path), "is missing; `dvc repro` makes it") for path in files if not path.is_file()]
        if missing:
            raise ProblemsError(f"{purpose} cannot be made; these files are missing:", missing, shown=len(missing))
        problems = list(self._dangling())
        if problems:
            raise ProblemsError(f"{purpose} cannot be made; the files contradict each other:", problems)

    def _dangling(self) -> Iterator[Problem]:
        """References to images, subtopics, entities and phrases that are nowhere."""
        images, subtopics = set(self.images.index), set(self.subtopics)
        tables = [(str(self.paths.pools), self.pools), (str(self.paths.qrels / "qrels.parquet"), self.qrels)]
        tables += [(str(self.paths.run(*key)), run) for key, run in self.runs.items()]
        for where, table in tables:
            for image in sorted(set(table["image_id"]) - images):
                yield Problem(where, f"names image {image}, which is not in {self.paths.images}")
            for subtopic in sorted(set(table["subtopic_id"]) - subtopics):
                yield Problem(where, f"names subtopic {subtopic}, which is not in {self.paths.topics}")
        for subtopic in sorted(subtopics - set(self.phrases)):
            yield Problem(str(self.paths.phrases), f"has no phrase of subtopic {subtopic}")
        entities = set(self.entities.index)
        for entity in sorted({s.entity_id for s in self.subtopics.values()} - entities):
            yield Problem(str(self.paths.topics), f"names entity {entity}, which is not in {self.paths.entities}")


def _recalls(path: Path) -> list[IndexRecall]:
    found = read_versioned(path, SEARCH_VERSION, _Searched, "retrieve")
    return [IndexRecall(**index) for index in found["indexes"]]


def params_text(params: Params) -> str:
    """The parameters as YAML that `read_params` accepts, defaults written out.

    A user name or password inside a `base_url` is left out: this text is published.
    """
    values = params.model_dump(mode="json", exclude={"families"})  # their systems are among `systems`
    if params.release.private is None:  # a release that withholds nothing has the bytes that it always had
        del values["release"]["private"]
    for section in values.values():
        chat = section.get("chat") if isinstance(section, dict) else None
        if chat:
            parts = urlsplit(chat["base_url"])
            chat["base_url"] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
