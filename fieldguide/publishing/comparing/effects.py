"""What changes between two releases do to scores, split by where they come from.

A score depends on the gallery, the labels and the ranking. From the old score to the new one in four steps, over the
topics that both releases ask and by the headline measure (C: the images that both hold):

    old run, old labels -> the same over C        images that are gone
                        -> new labels over C      labels
                        -> new run over C         ranking
                        -> new run, new labels    images that are new

so that images + labels + ranking is the whole difference. What is left of the difference between the two means is that
they are means over other topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer
from fieldguide.evaluation.statistics.comparison import compare
from fieldguide.publishing.comparing.changes import Common, differing_keys, system_settings
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.records.judgments import in_pools
from fieldguide.records.runs import TRACKS

_NONE = 1e-9
# Similarities that another processor computes differ by less than this, relative to the greatest one of the query.
_LAST_BITS = 1e-3


@dataclass(frozen=True)
class QueryEffect:
    """One query's score by one system, before and after: `new - old = images + labels + ranking`.

    `reason`: why it is ranked otherwise, as far as the releases tell; empty where ranking is 0.
    """

    track: str
    kind: str
    system: str
    subtopic_id: str
    old: float
    new: float
    images: float
    labels: float
    ranking: float
    reason: str


@dataclass(frozen=True)
class SystemEffect:
    """One system on one leaderboard, before and after.

    Attributes:
        old, new: means of the two leaderboards; None: the system is not on it.
        place_old, place_new, group_old, group_new: place from 1 and tie letters, likewise.
        topics, images, labels, ranking: parts of new - old; None where one of them is not there.
        p: of the paired randomisation test over the topics that both ask; None where nothing changed for them.
        reasons: why queries are ranked otherwise, the most frequent first.
    """

    track: str
    kind: str
    system: str
    old: float | None
    new: float | None
    place_old: int | None
    place_new: int | None
    group_old: str | None
    group_new: str | None
    topics: float | None = None
    images: float | None = None
    labels: float | None = None
    ranking: float | None = None
    p: float | None = None
    reasons: tuple[str, ...] = ()


def query_effects(old: ReleaseState, new: ReleaseState) -> list[QueryEffect]:
    """Every query that both ask, by every system of both, on both tracks; those whose score stays are there too."""
    common = Common.of(old, new)
    kinds = {s.subtopic_id: topic.kind for topic in new.topics.values() for s in topic.subtopics}
    found = []
    for track in TRACKS:
        scored = _Scored(old, new, track, common)
        for system in (name for name in old.systems if name in new.systems):
            reasons = _Reasons(old, new, track, system, common)
            for subtopic, steps in sorted(scored.steps(system).items()):
                gone, labels, ranking, came = (b - a for a, b in pairwise(steps))
                reason = reasons.of(subtopic) if abs(ranking) > _NONE else ""
                parts = (steps[0], steps[-1], gone + came, labels, ranking)
                found.append(QueryEffect(track, kinds[subtopic], system, subtopic, *parts, reason))
    return found


class _Scored:
    """The five scores of each query, see the module."""

    def __init__(self, old: ReleaseState, new: ReleaseState, track: str, common: Common) -> None:
        self._old, self._new, self._track, self._common = old, new, track, common
        headline = new.params.evaluate.headline
        qrels = [_of_track(state, track, common) for state in (old, new)]
        self._same_images = set(old.images.index) == set(new.images.index)
        self._same_labels = qrels[0].equals(qrels[1])
        self._scorers = [
            RunScorer(parse_measures([headline], "evaluate.headline"), table)
            for table in (qrels[0], common.run(qrels[0]), common.run(qrels[1]), qrels[1])
        ]

    def steps(self, system: str) -> dict[str, tuple[float, ...]]:
        """(old, less what is gone, new labels, new ranking, new) by subtopic."""
        runs = [state.runs[self._track, system] for state in (self._old, self._new)]
        less = runs if self._same_images else [self._common.run(run) for run in runs]
        first = self._values(0, runs[0])
        cut = first if self._same_images else self._values(1, less[0])
        labelled = cut if self._same_labels else self._values(2, less[0])
        ranked = labelled if less[0].equals(less[1]) else self._values(2, less[1])
        last = ranked if self._same_images else self._values(3, runs[1])
        both = set(first) & set(last) & set(cut) & set(ranked)
        return {key: (first[key], cut[key], labelled[key], ranked[key], last[key]) for key in both}

    def _values(self, scorer: int, run: pd.DataFrame) -> dict[str, float]:
        return {score.subtopic_id: score.value for score in self._scorers[scorer].score(run)}


def _of_track(state: ReleaseState, track: str, common: Common) -> pd.DataFrame:
    known = state.qrels[state.qrels["subtopic_id"].isin(common.subtopics)]
    known = in_pools(known, state.table("pools.parquet")) if track == "rerank" else known
    columns = ["subtopic_id", "image_id", "grade"]
    return known[columns].sort_values(columns[:2]).reset_index(drop=True)


class _Reasons:
    """Why one system ranks a query otherwise: the first of these that holds."""

    def __init__(self, old: ReleaseState, new: ReleaseState, track: str, system: str, common: Common) -> None:
        settings = (system_settings(old, system), system_settings(new, system))
        self._settings = [key for key, *_ in differing_keys(settings[0], settings[1])]
        self._queries = (old.queries, new.queries)
        self._code = [state.about.get("library") for state in (old, new)]
        runs = (
            common.run(state.runs[track, system]).set_index(["subtopic_id", "image_id"])["score"]
            for state in (old, new)
        )
        scores = pd.concat(list(runs), axis=1, keys=["old", "new"]).dropna()
        greatest = scores.abs().groupby(level=0).max().max(axis=1)
        apart = (scores["old"] - scores["new"]).abs().groupby(level=0).max()
        self._apart = {str(key): float(value) for key, value in (apart / greatest.where(greatest > 0, 1.0)).items()}

    def of(self, subtopic: str) -> str:
        """In words."""
        if self._settings:
            return f"settings: {', '.join(self._settings)}"
        if self._queries[0][subtopic] != self._queries[1][subtopic]:
            return "its text"
        if self._apart.get(subtopic, 1.0) <= _LAST_BITS:
            return "chance: scores differ in their last bits"
        if None not in self._code and self._code[0] != self._code[1]:
            return "code or models: the library is another one"
        if None not in self._code:
            return "models or machine: same settings, same library"
        return "models, code or machine: the releases do not tell"


def system_effects(old: ReleaseState, new: ReleaseState, effects: list[QueryEffect]) -> list[SystemEffect]:
    """Every system of either leaderboard by the headline measure, in the new order; those that went come last.

    Raises:
        FieldguideError: both ask the same, and a leaderboard is not that of its runs and labels.
    """
    measure = new.params.evaluate.headline
    boards = [_placed(state, measure) for state in (old, new)]
    frame = pd.DataFrame([vars(effect) for effect in effects])
    parts = {} if frame.empty else dict(iter(frame.groupby(["track", "kind", "system"], sort=False)))
    found = []
    for key in [*boards[1], *(key for key in boards[0] if key not in boards[1])]:
        (mean_old, place_old, group_old), (mean_new, place_new, group_new) = (b.get(key, _ABSENT) for b in boards)
        row = SystemEffect(*key, mean_old, mean_new, place_old, place_new, group_old, group_new)
        found.append(_split(row, parts[key], old, new) if key in parts and None not in (mean_old, mean_new) else row)
    return found


_ABSENT: tuple[float | None, int | None, str | None] = (None, None, None)
Key = tuple[str, str, str]


def _placed(state: ReleaseState, measure: str) -> dict[Key, tuple[float | None, int | None, str | None]]:
    """Mean, place and tie letters by track, kind and system, boards in their order and the best system first."""
    rows = [row for row in state.leaderboard if row["measure"] == measure]
    boards = list(dict.fromkeys((str(row["track"]), str(row["kind"])) for row in rows))
    placed: dict[Key, tuple[float | None, int | None, str | None]] = {}
    for board in boards:
        on_it = [row for row in rows if (row["track"], row["kind"]) == board]
        on_it.sort(key=lambda row: (-row["mean"], row["system"]))
        for place, row in enumerate(on_it, 1):
            placed[(*board, str(row["system"]))] = (float(row["mean"]), place, row["group"])
    return placed


def _split(row: SystemEffect, queries: pd.DataFrame, old: ReleaseState, new: ReleaseState) -> SystemEffect:
    images, labels, ranking = (float(queries[name].mean()) for name in ("images", "labels", "ranking"))
    rest = ((row.new or 0.0) - (row.old or 0.0)) - (images + labels + ranking)
    topics = 0.0 if abs(rest) < 2e-6 else rest  # leaderboards are rounded to six digits
    if topics and set(old.queries) == set(new.queries):
        where = f"{row.system} on {row.track}, {row.kind}"
        raise FieldguideError(
            f"{old.called} and {new.called}: {where}: a leaderboard is not that of its runs and labels; "
            "`fieldguide release verify` tells which"
        )
    reasons = queries.loc[queries["reason"] != "", "reason"].value_counts(sort=False)
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], str(pair[0])))
    words = tuple(f"{reason} ({count} queries)" for reason, count in ordered)
    parts = {"topics": topics, "images": images, "labels": labels, "ranking": ranking}
    return SystemEffect(**{**vars(row), **parts, "p": _p(queries, new), "reasons": words})


def _p(queries: pd.DataFrame, new: ReleaseState) -> float | None:
    differences = (queries["new"] - queries["old"]).to_numpy(dtype=np.float64)
    if not (np.abs(differences) > _NONE).any():
        return None
    entities = {s.subtopic_id: s.entity_id for topic in new.topics.values() for s in topic.subtopics}
    topics = queries["subtopic_id"].map(lambda name: str(name).rpartition(".")[0])
    topic, entity = (
        pd.factorize(names, sort=True)[0].astype(np.intp) for names in (topics, queries["subtopic_id"].map(entities))
    )
    return compare(differences[:, None], topic, entity, new.params.evaluate)[0].p


def moved(effects: list[QueryEffect]) -> Iterator[QueryEffect]:
    """Those whose score is another one."""
    return (effect for effect in effects if abs(effect.new - effect.old) > _NONE)
