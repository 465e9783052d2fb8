"""Systems beside one another: precision by depth, spread over subtopics, and how alike they order the topics."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fieldguide.publishing.benchmark import Benchmark

TRACK = "fullrank"
DEPTH = 50


def precision_by_depth(benchmark: Benchmark, systems: list[str]) -> pd.DataFrame:
    """system, depth (1 to `DEPTH`), precision: the mean over all subtopics on the whole gallery.

    A subtopic whose list is shorter counts what is missing as not relevant, as trec_eval does.
    """
    qrels = benchmark.qrels
    relevant = qrels.loc[qrels["grade"] > 0, ["subtopic_id", "image_id"]].assign(relevant=True)
    depths = np.arange(1, DEPTH + 1)
    made = []
    for system in systems:
        run = benchmark.runs[TRACK, system]
        top = run.loc[run["rank"] <= DEPTH, ["subtopic_id", "image_id", "rank"]].merge(relevant, how="left")
        hits = np.bincount(top.loc[top["relevant"].eq(True), "rank"].to_numpy(), minlength=DEPTH + 1)[1:]
        precision = hits.cumsum() / depths / max(len(benchmark.subtopics), 1)
        made.append(pd.DataFrame({"system": system, "depth": depths, "precision": precision.round(6)}))
    return pd.concat(made, ignore_index=True)


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
