"""Systems beside one another: precision by depth, spread over subtopics, and how alike they order the topics."""

from __future__ import annotations

import pandas as pd

from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer
from fieldguide.publishing.benchmark import Benchmark

TRACK = "fullrank"
DEPTHS = (1, 2, 3, 5, 10, 15, 20, 30, 40, 50)


def precision_by_depth(benchmark: Benchmark, systems: list[str]) -> pd.DataFrame:
    """system, depth (`DEPTHS`), precision: trec_eval's P, the mean over all judged subtopics on the whole gallery."""
    measures = {f"P@{depth}": depth for depth in DEPTHS}
    scorer = RunScorer(parse_measures(list(measures)), benchmark.qrels)
    rows = [
        (system, measures[score.measure], score.value)
        for system in systems
        for score in scorer.score(benchmark.runs[TRACK, system])
    ]
    found = pd.DataFrame(rows, columns=["system", "depth", "precision"])
    means = found.groupby(["system", "depth"], sort=False)["precision"].mean().round(6)
    return means.reset_index()


def spread(benchmark: Benchmark, systems: list[str]) -> pd.DataFrame:
    """system, subtopic_id, value of the headline measure on the whole gallery."""
    scores = benchmark.scores
    own = scores[(scores["track"] == TRACK) & (scores["measure"] == benchmark.params.evaluate.headline)]
    own = own[own["system"].isin(systems)].sort_values(["system", "subtopic_id"])
    return own[["system", "subtopic_id", "value"]].reset_index(drop=True)


def alike(values: pd.DataFrame, systems: list[str]) -> pd.DataFrame:
    """Kendall's tau-b of two systems' values over the subtopics that both have, a row and a column a system.

    1: they find the same subtopics hard. NaN where a system has the same value everywhere.
    """
    wide = values.pivot_table(index="subtopic_id", columns="system", values="value").reindex(columns=systems)
    return wide.corr(method="kendall").round(4)
