"""Runs of any system against any collection's judgments: what `fieldguide evaluate` shows.

Means, intervals, tie groups and comparisons are those of `fieldguide.evaluation.leaderboard.rows`, on one board.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
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
from fieldguide.evaluation.section import PRESETS, Evaluate
from fieldguide.records.runs import read_run_with_notes

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
    scores: what is odd about its scores, a sentence each.
    """

    system: str
    file: str
    lines: int
    unjudged: float
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    image: str
    judged_image: str
    scores: tuple[str, ...] = ()


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
            known, or only relevant images are known. `gallery`: images in all, where the order is of all of them.
    """

    collection: str
    by: str
    settings: Evaluate
    runs: tuple[RunNotes, ...]
    values: pd.DataFrame
    leaderboard: list[Row]
    comparisons: list[Row]
    chance: Mapping[str, float | None]
    gallery: int | None = None

    @property
    def differences(self) -> list[Row]:
        """Comparisons by the headline: with the baseline if there is one, else of every pair."""
        return [
            row
            for row in self.comparisons
            if row["measure"] == self.settings.headline and self.settings.baseline in ("", row["baseline"])
        ]


def settings(
    measures: Sequence[str] = MEASURES, baseline: str | None = None, seed: int = 0, preset: str | None = None
) -> Evaluate:
    """The choices of an evaluation. Systems may have any name here.

    Args:
        measures: the first is the headline.
        baseline: the system that others are compared with; every pair is where it is None.
        seed: of intervals and tests.
        preset: a key of PRESETS, whose measures and headline take the place of `measures`.
    """
    chosen, headline = list(measures), measures[0]
    if preset is not None:
        chosen, headline = list(PRESETS[preset].measures), PRESETS[preset].headline
    return Evaluate.model_construct(
        preset=preset, measures=chosen, headline=headline, baseline=baseline or "", compare=[], seed=seed
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
    asked = measures if JUDGED in chosen.measures or judged.complete else [*measures, *parse_measures([JUDGED])]
    scoring = _Scoring(judged, asked)
    scored = [scoring.score(path) for path in track(paths, "scoring", unit="runs", total=len(paths))]
    judged = scoring.judged
    names = _names([notes.system for notes, _ in scored], paths)
    if chosen.baseline and chosen.baseline not in names:
        raise FieldguideError(f"--baseline {chosen.baseline!r} is none of the systems: {', '.join(names)}")
    frames = [_values(name, scores, judged.topics) for name, (_, scores) in zip(names, scored, strict=True)]
    values = pd.concat(frames, ignore_index=True)
    entities = judged.entities
    if by == "topic":
        values, entities = _by_topic(values), None
    board = values.assign(**_BOARD)
    compared = comparisons(board, chosen, entities)
    # Where only relevant images are listed, every order of them is right: chance is that of the gallery, if known.
    positives = judged.complete or all(
        label is not None and label > 0 for labels in judged.pools.values() for label in labels
    )
    gallery = judged.images if positives else None
    return External(
        judged.name,
        by,
        chosen,
        tuple(replace(notes, system=name) for name, (notes, _) in zip(names, scored, strict=True)),
        values,
        [_unboarded(row) for row in leaderboard(board, chosen, entities, compared)],
        [_unboarded(row) for row in compared],
        {str(m): None if positives and gallery is None else _chance(m, scoring, by, gallery or 0) for m in asked},
        gallery,
    )


def as_json(external: External) -> dict[str, Any]:
    """Everything, as one JSON document."""
    return {
        "collection": external.collection,
        "by": external.by,
        "preset": external.settings.preset,
        "measures": external.settings.measures,
        "confidence": external.settings.confidence,
        "runs": external.runs,
        "leaderboard": external.leaderboard,
        "comparisons": external.comparisons,
        "chance": external.chance,
        "values": external.values.to_dict("records"),
    }


class _Scoring:
    """Scores runs one after the other; the first tells whether they have one list a subtopic or one a topic."""

    def __init__(self, judged: JudgedCollection, measures: Sequence[Measure]) -> None:
        self.given = self.judged = judged
        self.measures = measures
        self._scorers: list[RunScorer] = []

    def score(self, path: Path) -> tuple[RunNotes, list[Score]]:
        run, odd = read_run_with_notes(path)
        if run.empty:
            raise FieldguideError(f"{path}: the run has no line")
        ranked = set(run["subtopic_id"].cat.categories)
        if not self._scorers:
            self._begin(ranked)
        known = set(self.judged.topics)
        if not ranked & known:
            raise FieldguideError(
                f"{path}: ranks no subtopic that is judged; it ranks {_few(ranked)}; "
                f"judged in {self.judged.name} are {_few(known)}: write the ids alike"
            )
        scores = [score for scorer in self._scorers for score in scorer.score(run)]
        if self.judged is not self.given:  # a value of the whole topic stands at each of its subtopics: once will do
            named = (s._replace(subtopic_id=self.given.topics.get(s.subtopic_id, s.subtopic_id)) for s in scores)
            scores = list(dict.fromkeys(named))
        return self._notes(path, run, ranked, odd), scores

    def _begin(self, ranked: set[str]) -> None:
        together = [measure for measure in self.measures if measure.NAME in TOPIC_MEASURES]
        if ranked & set(self.given.topics) or not ranked & set(self.given.topics.values()):
            self._scorers = [RunScorer(self.measures, self.given.qrels)]
            return
        self.judged = self.given.of_topics()
        others = [measure for measure in self.measures if measure.NAME not in TOPIC_MEASURES]
        parts = ((others, self.judged), (together, self.given))
        self._scorers = [RunScorer(measures, judged.qrels) for measures, judged in parts if measures]

    def _notes(self, path: Path, run: pd.DataFrame, ranked: set[str], odd: Sequence[str]) -> RunNotes:
        lines, without = _unjudged(run, self.judged.qrels)
        without = 0 if self.judged.complete else without
        return RunNotes(
            str(run["system"].iloc[0]),
            str(path),
            lines,
            round(without / lines, 6) if lines else 0.0,
            tuple(sorted(set(self.judged.topics) - ranked)),
            tuple(sorted(ranked - set(self.judged.topics))),
            str(run["image_id"].iloc[0]),
            str(self.judged.qrels["image_id"].iloc[0]),
            tuple(odd),
        )


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


def _values(system: str, scores: Sequence[Score], topics: Mapping[str, str]) -> pd.DataFrame:
    rows = [(system, topics[s.subtopic_id], s.subtopic_id, s.measure, s.value, s.defaulted) for s in scores]
    return pd.DataFrame(rows, columns=list(VALUES))


def _by_topic(values: pd.DataFrame) -> pd.DataFrame:
    """One row a topic: the mean of its subtopics; `defaulted` where any of them is."""
    keys = ["system", "topic_id", "measure"]
    made = values.groupby(keys, sort=False, as_index=False).agg(value=("value", "mean"), defaulted=("defaulted", "any"))
    return made.assign(subtopic_id=made["topic_id"])[list(VALUES)]


def _chance(measure: Measure, scoring: _Scoring, by: str, gallery: int) -> float | None:
    """Expected value of a random order of each pool; of the whole gallery where that is larger."""
    if not chance.computable(measure):
        return None
    together = measure.NAME == BOTH_ENTITIES.NAME
    judged = scoring.given if together else scoring.judged
    pools: dict[str, list[float]] = {}
    expected = cache(partial(chance.expected, measure))  # thousands of captions have one relevant image each
    for subtopic, labels in judged.pools.items():
        value = expected(tuple(labels), max(gallery - len(labels), 0))
        pools.setdefault(judged.topics[subtopic] if by == "topic" or together else subtopic, []).append(value)
    values = [float(np.prod(part) if together else np.mean(part)) for part in pools.values()]
    alone = by == "topic" or scoring.judged is not scoring.given or not together
    weights = [1 if alone else len(part) for part in pools.values()]
    return round(float(np.average(values, weights=weights)), 6)


def _unboarded(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in _BOARD}


def _few(names: set[str] | Sequence[str], shown: int = 3) -> str:
    listed = ", ".join(sorted(names)[:shown])
    return f"{listed}, ... ({len(names)} in all)" if len(names) > shown else listed
