"""From scores to means with intervals, and to differences from the baseline with p-values.

Every value is the mean over subtopics (each subtopic counts once); intervals and tests are over topics,
see `fieldguide.evaluation.statistics`. p-values are those of single comparisons, not corrected for their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.evaluation.measures import JUDGED
from fieldguide.evaluation.statistics import Clusters, bootstrap_interval, clusters, randomisation_test
from fieldguide.params import Evaluate

TRACKS = ("fullrank", "rerank")
KINDS = ("comparison", "entity")

# Sums in another order differ beyond these digits: the files are the same on any number of cores.
_DIGITS = 6


@dataclass(frozen=True)
class _Board:
    """Scores of one track and kind: `data` has a column a (system, measure) of `columns`."""

    track: str
    kind: str
    columns: list[tuple[str, str]]
    data: Clusters


def leaderboard(scores: pd.DataFrame, evaluate: Evaluate) -> list[dict[str, Any]]:
    """Rows {track, kind, system, measure, mean, low, high, subtopics, topics}; tracks, kinds and systems apart.

    Args:
        scores: records.SCORES.
        evaluate: confidence, number of resamples and seed.
    """
    rows = []
    for board in _boards(scores):
        low, high = bootstrap_interval(board.data, evaluate.confidence, evaluate.bootstrap, evaluate.seed)
        counts = {"subtopics": int(board.data.sizes.sum()), "topics": len(board.data.sizes)}
        for place, (system, measure) in enumerate(board.columns):
            names = {"track": board.track, "kind": board.kind, "system": system, "measure": measure}
            means = _rounded(mean=board.data.mean[place], low=low[place], high=high[place])
            rows.append({**names, **means, **counts})
    return rows


def comparisons(scores: pd.DataFrame, evaluate: Evaluate) -> list[dict[str, Any]]:
    """Rows {track, kind, system, baseline, measure, difference, low, high, p}: each system less the baseline."""
    rows = []
    for board in _boards(scores):
        places = {column: place for place, column in enumerate(board.columns)}
        pairs = [
            (column, places[evaluate.baseline, column[1]])
            for column in board.columns
            if column[0] != evaluate.baseline and column[1] != JUDGED and (evaluate.baseline, column[1]) in places
        ]
        if not pairs:
            continue
        sums = board.data.sums
        differences = Clusters(
            np.column_stack([sums[:, places[column]] - sums[:, base] for column, base in pairs]), board.data.sizes
        )
        low, high = bootstrap_interval(differences, evaluate.confidence, evaluate.bootstrap, evaluate.seed)
        p = randomisation_test(differences, evaluate.permutations, evaluate.seed)
        for place, ((system, measure), _) in enumerate(pairs):
            names = {"track": board.track, "kind": board.kind, "system": system, "baseline": evaluate.baseline}
            values = _rounded(difference=differences.mean[place], low=low[place], high=high[place], p=p[place])
            rows.append({**names, "measure": measure, **values})
    return rows


def metrics(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A leaderboard as {track: {kind: {system: {measure: mean}}}}, for `dvc metrics`."""
    nested: dict[str, Any] = {}
    for row in rows:
        system = nested.setdefault(row["track"], {}).setdefault(row["kind"], {}).setdefault(row["system"], {})
        system[row["measure"]] = round(row["mean"], 4)
    return nested


def _boards(scores: pd.DataFrame) -> Iterator[_Board]:
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
            topics = pd.factorize(wide.index.get_level_values("topic_id"), sort=True)[0]
            values = wide.to_numpy(dtype=np.float64)
            yield _Board(track, kind, columns, clusters(values, np.asarray(topics, dtype=np.intp)))


def _rounded(**values: float) -> dict[str, float]:
    # + 0.0 makes a negative zero positive
    return {name: round(float(value), _DIGITS) + 0.0 for name, value in values.items()}
