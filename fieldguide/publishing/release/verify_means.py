"""Scores of a release's runs against its qrels, held against its leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.core.grouping import grouped
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer
from fieldguide.records.judgments import in_pools
from fieldguide.records.topics import Topic

# leaderboard.json is rounded to six digits.
_TOLERANCE = 1e-6


def wrong_means(
    folder: Path,
    topics: list[Topic],
    qrels: pd.DataFrame,
    pools: pd.DataFrame,
    runs: Mapping[str, pd.DataFrame],
    leaderboard: Any,
) -> Iterator[Problem]:
    """Means that are not those of runs and qrels, by six digits.

    Args:
        folder: of the release.
        topics: of the release.
        qrels: records.QRELS.
        pools: records.POOLS.
        runs: by file name, `runs/TRACK/SYSTEM.trec`.
        leaderboard: as leaderboard.json holds it.
    """
    where = str(folder / "leaderboard.json")
    try:
        stated = {(x["track"], x["kind"], x["system"], x["measure"]): float(x["mean"]) for x in leaderboard}
        measures = parse_measures(sorted({measure for *_, measure in stated}), where)
    except (KeyError, TypeError, ValueError) as error:
        yield Problem(where, f"is not a leaderboard: {error!r}")
        return
    except FieldguideError as error:
        yield Problem(where, str(error))
        return
    kinds = {s.subtopic_id: topic.kind for topic in topics for s in topic.subtopics}
    known = qrels[qrels["subtopic_id"].isin(list(kinds))]
    scorers = {"fullrank": RunScorer(measures, known), "rerank": RunScorer(measures, in_pools(known, pools))}
    found = grouped(
        ((Path(name).parent.name, kinds[score.subtopic_id], Path(name).stem, score.measure), score.value)
        for name, run in runs.items()
        for score in scorers[Path(name).parent.name].score(run)
    )
    for key in sorted(set(found) | set(stated)):
        mean = sum(found[key]) / len(found[key]) if key in found else None
        if mean is None or key not in stated or abs(mean - stated[key]) > _TOLERANCE:
            given = f"{stated[key]:.6f}" if key in stated else "missing"
            made = "none" if mean is None else f"{mean:.6f}"
            yield Problem(where, f"{' '.join(key)} is {given}; runs and qrels give {made}")
