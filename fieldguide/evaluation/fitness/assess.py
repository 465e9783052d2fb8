"""The stage `fitness` without its flow: ask every question of every board, write data/evaluation/fitness.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import write_json
from fieldguide.core.progress import Track, silent
from fieldguide.evaluation.fitness import findings
from fieldguide.evaluation.fitness.arrays import ArrayMeasure, array_measure
from fieldguide.evaluation.fitness.board import Board, make_case
from fieldguide.evaluation.fitness.degenerate import Degenerate, Facts, degenerate
from fieldguide.evaluation.fitness.duplicates import Duplicates, duplicates
from fieldguide.evaluation.fitness.findings import FitnessFinding
from fieldguide.evaluation.fitness.noise import Noise, noise
from fieldguide.evaluation.fitness.pooling import PoolingLoss, pooling_loss
from fieldguide.evaluation.fitness.reusability import LeftOut, reusability, sources
from fieldguide.evaluation.fitness.section import Fitness
from fieldguide.evaluation.fitness.unjudged import Unjudged, unjudged
from fieldguide.evaluation.judged import JudgedBenchmark
from fieldguide.evaluation.leaderboard.rows import KINDS
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer
from fieldguide.evaluation.section import Evaluate
from fieldguide.records.runs import TRACKS
from fieldguide.records.scores import FITNESS_VERSION
from fieldguide.retrieval.systems.sections.baselines import RandomSystem
from fieldguide.retrieval.systems.sections.systems import System

# Sums in another order differ beyond these digits: the file is the same on any number of cores.
_DIGITS = 6


@dataclass(frozen=True)
class BoardFitness:
    """The answers for one track and kind.

    `reusability` is None on the rerank track, where it is no question. Where the whole gallery is judged, it is none on
    the other either, and `pooling` says what pools alone would have missed.
    """

    track: str
    kind: str
    topics: int
    subtopics: int
    unjudged: Unjudged
    reusability: tuple[LeftOut, ...] | None
    pooling: PoolingLoss | None
    noise: Noise
    chance: Degenerate


@dataclass(frozen=True)
class FitnessReport:
    """What data/evaluation/fitness.json holds."""

    measure: str
    boards: tuple[BoardFitness, ...]
    duplicates: Duplicates
    findings: tuple[FitnessFinding, ...]
    schema_version: int = FITNESS_VERSION


def assess(
    benchmark: JudgedBenchmark,
    fitness: Fitness,
    evaluate: Evaluate,
    pooled: Sequence[str],
    sections: Mapping[str, System],
    track: Track = silent,
) -> FitnessReport:
    """Ask everything.

    Args:
        benchmark: its systems are the ones that are asked about.
        fitness: measure, draws and seed, families, and the disagreement that is assumed where nobody measured it.
        evaluate: the headline and the confidence of intervals.
        pooled: names of the systems whose images were pooled.
        sections: how each system ranks, by name.
        track: shows progress.

    Raises:
        FieldguideError: nothing is judged, a file is missing, or the measure cannot be simulated.
        ProblemsError: tables or runs that are not valid.
    """
    measure = array_measure(fitness.measure or evaluate.headline)
    kinds = families(fitness, benchmark.systems, sections)
    by_chance = {name for name in benchmark.systems if isinstance(sections[name], RandomSystem)}
    made = list(boards(benchmark))
    if not made:
        raise FieldguideError(f"{benchmark.paths.qrels}: no judgment for any subtopic of {benchmark.paths.topics}")
    brought, facts, bpref = sources(benchmark.pools), _facts(benchmark), _bpref(benchmark)
    answers = []
    for board in track(made, "assessing", unit="boards", total=len(made)):
        reused, loss, asked = None, None, board
        if board.track == "fullrank" and benchmark.complete:
            loss, asked = pooling_loss(board, measure, brought), _all_judged(board)
        elif board.track == "fullrank":
            reused = reusability(board, measure, brought, pooled, kinds)
        answers.append(
            BoardFitness(
                board.track,
                board.kind,
                board.topics,
                len(board.cases),
                unjudged(asked, measure, _means(bpref, board)),
                reused,
                loss,
                _noise(benchmark, board, measure, fitness),
                degenerate(board, measure, facts, by_chance, fitness.draws, evaluate.confidence, fitness.seed),
            )
        )
    pairs = duplicates(benchmark.qrels, benchmark.images, benchmark.duplicates)
    return FitnessReport(measure.name, tuple(answers), pairs, tuple(_findings(answers, pairs)))


def write_fitness(path: Path, report: FitnessReport) -> None:
    """Write fitness.json; the same answers give the same bytes."""
    write_json(path, _rounded(asdict(report)))


def boards(benchmark: JudgedBenchmark) -> Iterator[Board]:
    """One board a track and kind of topic that has a judgment."""
    grades = {
        str(subtopic): dict(zip(rows["image_id"], rows["grade"].astype(int).tolist(), strict=True))
        for subtopic, rows in benchmark.qrels.groupby("subtopic_id", sort=True)
    }
    pools = _by_subtopic(benchmark.pools)
    gallery = list(benchmark.images.index[benchmark.images["split"] == "gallery"])
    systems = benchmark.systems

    def judged(track: str, subtopic_id: str) -> dict[str, int]:
        """On the rerank track the judgments of the pool that is ranked."""
        known = grades[subtopic_id]
        return known if track == "fullrank" else {i: known[i] for i in pools.get(subtopic_id, []) if i in known}

    for name in TRACKS:
        lines = {system: _by_subtopic(benchmark.runs[name, system]) for system in systems}
        for kind in KINDS:
            cases = [
                make_case(
                    subtopic.topic.topic_id,
                    subtopic_id,
                    gallery if name == "fullrank" else pools.get(subtopic_id, []),
                    judged(name, subtopic_id),
                    {system: lines[system].get(subtopic_id, []) for system in systems},
                )
                for subtopic_id, subtopic in sorted(benchmark.subtopics.items())
                if subtopic.topic.kind == kind and subtopic_id in grades
            ]
            if cases:
                yield Board(name, kind, systems, tuple(cases))


def _all_judged(board: Board) -> Board:
    cases = (replace(case, judged=np.ones(len(case.images), dtype=np.bool_)) for case in board.cases)
    return replace(board, cases=tuple(cases))


def _by_subtopic(table: pd.DataFrame) -> dict[str, list[str]]:
    """image_ids by subtopic_id, in the order of the rows."""
    images = np.asarray(table["image_id"], dtype=object)
    places = table.groupby("subtopic_id", observed=True).indices
    return {str(subtopic): images[rows].tolist() for subtopic, rows in places.items()}


def families(fitness: Fitness, systems: Sequence[str], sections: Mapping[str, System]) -> Mapping[str, list[str]]:
    """fitness.families; where it is empty, the systems of each kind."""
    if fitness.families:
        return dict(fitness.families)
    kinds: dict[str, list[str]] = {}
    for system in systems:
        kinds.setdefault(sections[system].kind, []).append(system)
    return kinds


def _noise(benchmark: JudgedBenchmark, board: Board, measure: ArrayMeasure, fitness: Fitness) -> Noise:
    rate = measured_disagreement(benchmark.agreement)
    assumed = fitness.disagreement if rate is None else rate
    return noise(board, measure, assumed, rate is not None, fitness.draws, fitness.seed)


def measured_disagreement(agreement: Mapping[str, Any] | None) -> float | None:
    """Share of images on which two assessors differ, over all pairs of assessors; None where no two judged the same."""
    pairs = [] if agreement is None else agreement["agreement"]["kappas"]
    images = sum(pair["images"] for pair in pairs if pair["same"] is not None)
    if not images:
        return None
    return float(sum(pair["images"] * (1 - pair["same"]) for pair in pairs if pair["same"] is not None) / images)


def _facts(benchmark: JudgedBenchmark) -> Facts:
    images = benchmark.images.sort_values(["source", "source_key"])
    topics: dict[str, set[str]] = {}
    for subtopic, image in zip(benchmark.pools["subtopic_id"], benchmark.pools["image_id"], strict=True):
        if subtopic in benchmark.subtopics:
            topics.setdefault(str(image), set()).add(benchmark.subtopics[subtopic].topic.topic_id)
    sizes = dict(zip(images["image_id"], images["size"].astype(int).tolist(), strict=True))
    return Facts({str(image): place for place, image in enumerate(images["image_id"])}, sizes, topics)


def _bpref(benchmark: JudgedBenchmark) -> dict[tuple[str, str], dict[str, float]]:
    """Bpref by (track, system) and subtopic."""
    scorer = RunScorer(parse_measures(["Bpref"]), benchmark.qrels)
    return {key: {s.subtopic_id: s.value for s in scorer.score(run)} for key, run in benchmark.runs.items()}


def _means(values: Mapping[tuple[str, str], Mapping[str, float]], board: Board) -> dict[str, float]:
    return {
        system: sum(values[board.track, system][case.subtopic_id] for case in board.cases) / len(board.cases)
        for system in board.systems
    }


def _findings(answers: list[BoardFitness], pairs: Duplicates) -> Iterator[FitnessFinding]:
    for board in answers:
        where = f"{board.track}, {board.kind}"
        yield findings.about_unjudged(where, board.unjudged)
        if board.reusability is not None:
            yield findings.about_reusability(where, board.reusability)
        if board.pooling is not None:
            yield findings.about_pooling(where, board.pooling)
        yield findings.about_noise(where, board.noise)
        yield from findings.about_chance(where, board.chance)
    yield findings.about_duplicates(pairs)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS) + 0.0  # makes a negative zero positive
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
