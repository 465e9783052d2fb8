"""Runs of any system against any collection's judgments: what `fieldguide evaluate` shows.

Means, intervals, tie groups and comparisons are those of `fieldguide.evaluation.leaderboard.rows`, on one board.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.progress import Track, silent
from fieldguide.evaluation.external.qrels import JudgedCollection
from fieldguide.evaluation.leaderboard.rows import Row, comparisons, leaderboard
from fieldguide.evaluation.measures import chance
from fieldguide.evaluation.measures.parsing import JUDGED, parse_measures
from fieldguide.evaluation.measures.providers.diversity import BOTH_ENTITIES, TOPIC_MEASURES
from fieldguide.evaluation.measures.scoring import RunScorer, Score
from fieldguide.evaluation.section import Evaluate
from fieldguide.records.runs import read_run

if TYPE_CHECKING:
    from ir_measures import Measure

MEASURES = ("nDCG@10", "P@10", "R@10", "R@30", "Success@10", "AP", "RR")
VALUES = ("system", "topic_id", "subtopic_id", "measure", "value", "defaulted")

# Leaderboards are made a track and kind; runs from elsewhere are told apart by neither.
_BOARD = {"track": "rerank", "kind": "entity"}


@dataclass(frozen=True)
class RunNotes:
    """What was noticed of one run.

    Attributes:
        system: its name on the board.
        file: where it was read.
        lines: of judged subtopics.
        unjudged: share of `lines` without a judgment, 0..1; every measure but Bpref takes them as not relevant.
        missing: judged subtopics without a line; they count with the measure's default.
        unknown: subtopics with lines and without a judgment; they are scored nowhere.
    image, judged_image: one of each, to see whether ids are written alike.
    """

    system: str
    file: str
    lines: int
    unjudged: float
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    image: str
    judged_image: str


@dataclass(frozen=True)
class External:
    """The scores of runs that were made elsewhere.

    Attributes:
        collection: where the judgments are from.
        by: what counts once in a mean, `subtopic` or `topic`.
        settings: measures, headline, baseline, confidence, draws, seed.
        runs: notes, in the order the runs were named.
        values: columns VALUES, a row a system, subtopic (topic) and measure.
        leaderboard, comparisons: rows as `fieldguide.evaluation.leaderboard.rows` makes them.
        chance: expected value of a random order of each subtopic's pool, by measure; None where no closed form is
            known.
    """

    collection: str
    by: str
    settings: Evaluate
    runs: tuple[RunNotes, ...]
    values: pd.DataFrame
    leaderboard: list[Row]
    comparisons: list[Row]
    chance: Mapping[str, float | None]

    @property
    def differences(self) -> list[Row]:
        """Comparisons by the headline: with the baseline if there is one, else of every pair."""
        return [
            row
            for row in self.comparisons
            if row["measure"] == self.settings.headline and self.settings.baseline in ("", row["baseline"])
        ]


def settings(measures: Sequence[str], baseline: str | None = None, seed: int = 0) -> Evaluate:
    """The choices of an evaluation; the first measure is the headline. Systems may have any name here."""
    return Evaluate.model_construct(
        measures=list(measures), headline=measures[0], baseline=baseline or "", compare=[], seed=seed
    )


def evaluate_runs(
    paths: Sequence[Path], judged: JudgedCollection, chosen: Evaluate, by: str = "subtopic", track: Track = silent
) -> External:
    """Score TREC run files, each whole file in memory only while it is scored.

    Raises:
        FieldguideError: a file is missing, a run ranks nothing that is judged, or no run is called as the baseline.
        ProblemsError: measures that nothing computes, or runs that are not valid; with file and line.
    """
    measures = parse_measures(chosen.measures, "--measures")
    asked = measures if JUDGED in chosen.measures else [*measures, *parse_measures([JUDGED])]
    scorer = RunScorer(asked, judged.qrels)
    scored = [
        _scored(path, judged, scorer, measures) for path in track(paths, "scoring", unit="runs", total=len(paths))
    ]
    names = _names([notes.system for notes, _ in scored], paths)
    if chosen.baseline and chosen.baseline not in names:
        raise FieldguideError(f"--baseline {chosen.baseline!r} is none of the systems: {', '.join(names)}")
    frames = [_values(name, scores, judged) for name, (_, scores) in zip(names, scored, strict=True)]
    values = pd.concat(frames, ignore_index=True)
    entities = judged.entities
    if by == "topic":
        values, entities = _by_topic(values), None
    board = values.assign(**_BOARD)
    compared = comparisons(board, chosen, entities)
    return External(
        judged.name,
        by,
        chosen,
        tuple(replace(notes, system=name) for name, (notes, _) in zip(names, scored, strict=True)),
        values,
        [_unboarded(row) for row in leaderboard(board, chosen, entities, compared)],
        [_unboarded(row) for row in compared],
        {str(measure): _chance(measure, judged, by) for measure in asked},
    )


def as_json(external: External) -> dict[str, Any]:
    """Everything, as one JSON document."""
    return {
        "collection": external.collection,
        "by": external.by,
        "measures": external.settings.measures,
        "confidence": external.settings.confidence,
        "runs": external.runs,
        "leaderboard": external.leaderboard,
        "comparisons": external.comparisons,
        "chance": external.chance,
        "values": external.values.to_dict("records"),
    }


def _scored(
    path: Path, judged: JudgedCollection, scorer: RunScorer, measures: Sequence[Measure]
) -> tuple[RunNotes, list[Score]]:
    run = read_run(path)
    if run.empty:
        raise FieldguideError(f"{path}: the run has no line")
    ranked = set(run["subtopic_id"].cat.categories)
    known = set(judged.topics)
    if any(measure.NAME in TOPIC_MEASURES for measure in measures):
        known |= set(judged.topics.values())
    if not ranked & known:
        raise FieldguideError(
            f"{path}: ranks no subtopic that is judged; it ranks {_few(ranked)}; "
            f"judged in {judged.name} are {_few(scorer.subtopics)}: write the ids alike"
        )
    lines, without = _unjudged(run, judged.qrels)
    notes = RunNotes(
        str(run["system"].iloc[0]),
        str(path),
        lines,
        round(without / lines, 6) if lines else 0.0,
        tuple(s for s in scorer.subtopics if s not in ranked and judged.topics[s] not in ranked),
        tuple(sorted(ranked - known)),
        str(run["image_id"].iloc[0]),
        str(judged.qrels["image_id"].iloc[0]),
    )
    return notes, scorer.score(run)


def _unjudged(run: pd.DataFrame, qrels: pd.DataFrame) -> tuple[int, int]:
    """Lines of judged subtopics, and how many of them have no judgment."""
    subtopics, images = (pd.Index(qrels[name].unique()) for name in ("subtopic_id", "image_id"))

    def keys(frame: pd.DataFrame) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.bool_]]]:
        places = [_places(frame[name], index) for name, index in (("subtopic_id", subtopics), ("image_id", images))]
        return places[0] * len(images) + places[1], np.asarray(places[0] >= 0) & (places[1] >= 0)

    pairs, both = keys(run)
    judged = both & np.isin(pairs, keys(qrels)[0])
    lines = int((_places(run["subtopic_id"], subtopics) >= 0).sum())
    return lines, lines - int(judged.sum())


def _places(texts: pd.Series, index: pd.Index) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(n,) place of each text in the index, -1 where it has none; each different text is looked up once."""
    codes, names = pd.factorize(texts)
    return np.asarray(index.get_indexer(pd.Index(names.astype(str))), dtype=np.int64)[codes]


def _names(tags: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """The runs' own names; where two have one name, those of the files."""
    for names in (list(tags), [_stem(path) for path in paths], [str(path) for path in paths]):
        if len(set(names)) == len(names):
            return names
    twice = [str(path) for place, path in enumerate(paths) if path in paths[:place]]
    raise ProblemsError("runs that are named twice:", [Problem(path, "is given twice") for path in twice])


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def _values(system: str, scores: Sequence[Score], judged: JudgedCollection) -> pd.DataFrame:
    rows = [(system, judged.topics[s.subtopic_id], s.subtopic_id, s.measure, s.value, s.defaulted) for s in scores]
    return pd.DataFrame(rows, columns=list(VALUES))


def _by_topic(values: pd.DataFrame) -> pd.DataFrame:
    """One row a topic: the mean of its subtopics; `defaulted` where any of them is."""
    keys = ["system", "topic_id", "measure"]
    made = values.groupby(keys, sort=False, as_index=False).agg(value=("value", "mean"), defaulted=("defaulted", "any"))
    return made.assign(subtopic_id=made["topic_id"])[list(VALUES)]


def _chance(measure: Measure, judged: JudgedCollection, by: str) -> float | None:
    if not chance.computable(measure):
        return None
    together = measure.NAME == BOTH_ENTITIES.NAME
    pools: dict[str, list[chance.Labels]] = {}
    for subtopic, labels in judged.pools.items():
        pools.setdefault(judged.topics[subtopic] if by == "topic" or together else subtopic, []).append(labels)
    if together:
        means = {topic: chance.expected_both(measure, labels) for topic, labels in pools.items()}
    else:
        means = {n: float(np.mean([chance.expected(measure, one) for one in labels])) for n, labels in pools.items()}
    weights = [len(pools[name]) if together and by == "subtopic" else 1 for name in means]
    return round(float(np.average(list(means.values()), weights=weights)), 6)


def _unboarded(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in _BOARD}


def _few(names: set[str] | Sequence[str], shown: int = 3) -> str:
    listed = ", ".join(sorted(names)[:shown])
    return f"{listed}, ... ({len(names)} in all)" if len(names) > shown else listed
