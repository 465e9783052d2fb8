"""From scores to means with intervals and tie groups, and to differences between systems with what is known of them.

Every value is the mean over subtopics (each subtopic counts once); intervals and tests are over topics and the
entities that topics share, see `statistics.clusters`. Every q is corrected over the comparisons of one
board (track and kind) by one measure: all pairs of systems for the measures of `evaluate.compare`, by the others
each system less the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.evaluation.measures.parsing import JUDGED
from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import Floats, Labels, clusters
from fieldguide.evaluation.statistics.comparison import PairedComparison, compare, pairs
from fieldguide.evaluation.statistics.intervals import bounded_interval
from fieldguide.evaluation.statistics.ties import letters
from fieldguide.records.runs import TRACKS

KINDS = ("comparison", "entity")
TRACK_NAMES = {"fullrank": "whole gallery", "rerank": "the subtopic's own pool"}
KIND_NAMES = {"comparison": "comparison questions", "entity": "one entity a question"}

Row = dict[str, Any]
Entities = Mapping[str, str]
"""The entity of each subtopic."""

# Sums in another order differ beyond these digits: the files are the same on any number of cores.
_DIGITS = 6


@dataclass(frozen=True)
class LeaderboardRow:
    """A row of leaderboard.json, see `leaderboard`."""

    track: str
    kind: str
    system: str
    measure: str
    mean: float
    low: float
    high: float
    design_effect: float
    group: str | None
    subtopics: int
    topics: int


@dataclass(frozen=True)
class ComparisonRow(PairedComparison):
    """A row of comparisons.json, see `comparisons`."""

    track: str
    kind: str
    system: str
    baseline: str
    measure: str


@dataclass(frozen=True)
class _Board:
    """Scores of one track and kind: `values` has a row each subtopic and a column a (system, measure) of `columns`."""

    track: str
    kind: str
    columns: list[tuple[str, str]]
    values: Floats
    topics: Labels
    entities: Labels | None

    def names(self, system: str, measure: str) -> Row:
        """What tells a row of this board apart."""
        return {"track": self.track, "kind": self.kind, "system": system, "measure": measure}


def leaderboard(
    scores: pd.DataFrame, evaluate: Evaluate, entities: Entities | None = None, compared: Sequence[Row] = ()
) -> list[Row]:
    """Rows {track, kind, system, measure, mean, low, high, design_effect, group, subtopics, topics}.

    Tracks, kinds and systems stand apart. Systems that share a letter of `group` are not significantly different at
    evaluate.alpha; it is None for measures by which not every pair was compared.

    Args:
        scores: records.SCORES.
        evaluate: confidence and alpha.
        entities: None where no entity is known; then topics count as independent.
        compared: rows of `comparisons` with the same arguments.
    """
    rows = []
    for board in _boards(scores, entities):
        data = clusters(board.values, board.topics, board.entities)
        low, high = bounded_interval(data, evaluate.confidence)  # the range of every measure
        effect = np.ones(len(low)) if data.effect is None else data.effect
        counts = {"subtopics": len(board.values), "topics": len(data.sizes)}
        groups = _groups(board, data.mean, evaluate, compared)
        for place, (system, measure) in enumerate(board.columns):
            means = _rounded(mean=data.mean[place], low=low[place], high=high[place], design_effect=effect[place])
            group = {"group": groups.get((system, measure))}
            rows.append({**board.names(system, measure), **means, **group, **counts})
    return rows


def comparisons(scores: pd.DataFrame, evaluate: Evaluate, entities: Entities | None = None) -> list[Row]:
    """Rows {track, kind, system, baseline, measure} with the fields of `comparison.Comparison`: system less baseline.

    Each system less evaluate.baseline by every measure, and every pair of systems by those of evaluate.compared.
    """
    return [row for board in _boards(scores, entities) for row in _compared(board, evaluate)]


def metrics(rows: Sequence[Row]) -> Row:
    """A leaderboard as {track: {kind: {system: {measure: mean}}}}, for `dvc metrics`."""
    nested: Row = {}
    for row in rows:
        system = nested.setdefault(row["track"], {}).setdefault(row["kind"], {}).setdefault(row["system"], {})
        system[row["measure"]] = round(row["mean"], 4)
    return nested


def sensitivity(compared: Sequence[Row], topics: int, evaluate: Evaluate) -> str:
    """Which differences so many topics show, in words; nothing where no pair of systems says.

    Args:
        compared: rows of comparisons.json of one board and the headline measure.
        topics: of that board.
        evaluate: headline, alpha and power.
    """
    known = [row for row in compared if row["detectable"] is not None]
    if not known:
        return ""
    least, low, high = (median(row[f"detectable{end}"] for row in known) for end in ("", "_low", "_high"))
    return (
        f"{topics} topics show a difference in {evaluate.headline} of {least:.3f} with probability "
        f"{evaluate.power:.0%} (median of {len(known)} pairs of systems, uncorrected alpha {evaluate.alpha:g}; "
        f"{evaluate.confidence:.0%} interval {low:.3f} to {high:.3f})."
    )


def plotted(rows: Sequence[Row]) -> list[Row]:
    """Rows {board, system, mean, low, high} of the measures by which every pair was compared, for `dvc plots`."""
    return [
        {"board": f"{row['track']}, {row['kind']}: {row['measure']}"}
        | {key: row[key] for key in ("system", "mean", "low", "high")}
        for row in rows
        if row["group"] is not None
    ]


def _compared(board: _Board, evaluate: Evaluate) -> Iterator[Row]:
    places = {column: place for place, column in enumerate(board.columns)}
    for measure in dict.fromkeys(measure for _, measure in board.columns if measure != JUDGED):
        systems = [system for system, name in board.columns if name == measure]
        wanted = pairs(systems, evaluate.baseline)
        if measure not in evaluate.compared:
            wanted = [pair for pair in wanted if pair[1] == evaluate.baseline]
        if not wanted:
            continue
        ours, theirs = ([places[pair[side], measure] for pair in wanted] for side in (0, 1))
        differences = board.values[:, ours] - board.values[:, theirs]
        found = compare(differences, board.topics, board.entities, evaluate)
        for (system, other), comparison in zip(wanted, found, strict=True):
            numbers = {k: round(v, _DIGITS) + 0.0 if isinstance(v, float) else v for k, v in asdict(comparison).items()}
            yield {**board.names(system, measure), "baseline": other, **numbers}


def _groups(board: _Board, means: Floats, evaluate: Evaluate, compared: Sequence[Row]) -> dict[tuple[str, str], str]:
    """Letters by (system, measure), for the measures by which every pair was compared."""
    rows = [row for row in compared if (row["track"], row["kind"]) == (board.track, board.kind)]
    found = {}
    for measure in evaluate.compared:
        ranked = sorted((-means[n], system) for n, (system, name) in enumerate(board.columns) if name == measure)
        made = [row for row in rows if row["measure"] == measure]
        if len(made) != len(ranked) * (len(ranked) - 1) // 2:
            continue
        different = {frozenset((row["system"], row["baseline"])) for row in made if row["q"] <= evaluate.alpha}
        for system, group in letters([system for _, system in ranked], different).items():
            found[system, measure] = group
    return found


def _boards(scores: pd.DataFrame, entities: Entities | None) -> Iterator[_Board]:
    for track in TRACKS:
        for kind in KINDS:
            part = scores[(scores["track"] == track) & (scores["kind"] == kind)]
            if part.empty:
                continue
            # Systems and measures in the order they were scored in, not by name.
            columns = list(dict.fromkeys(zip(part["system"], part["measure"], strict=True)))
            wide = part.pivot_table(
                index=["topic_id", "subtopic_id"], columns=["system", "measure"], values="value", aggfunc="first"
            )[columns]
            values = wide.to_numpy(dtype=np.float64)
            if np.isnan(values).any():
                missing = [(wide.index[row][1], *columns[column]) for row, column in np.argwhere(np.isnan(values))]
                problems = [Problem(f"{track} {system}", f"{name} has no value for {s}") for s, system, name in missing]
                raise ProblemsError("systems can be compared where all have scores for the same subtopics:", problems)
            known = None if entities is None else [entities[s] for s in wide.index.get_level_values("subtopic_id")]
            yield _Board(
                track,
                kind,
                columns,
                values,
                _numbered(wide.index.get_level_values("topic_id")),
                None if known is None else _numbered(pd.Index(known)),
            )


def _numbered(names: pd.Index) -> Labels:
    return np.asarray(pd.factorize(names, sort=True)[0], dtype=np.intp)


def _rounded(**values: float) -> dict[str, float]:
    # + 0.0 makes a negative zero positive
    return {name: round(float(value), _DIGITS) + 0.0 for name, value in values.items()}
