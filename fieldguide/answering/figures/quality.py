"""Whether ranking predicts answering: accuracy beside the retrieval measure of the same topics. Pure computation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from fieldguide.answering.contexts.choosing import Context
from fieldguide.answering.figures.accuracy import rounded
from fieldguide.answering.figures.rows import QualityBin, QualityPoint, QualityRow

_ENDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def quality_rows(answers: pd.DataFrame, scores: pd.DataFrame, contexts: Sequence[Context]) -> list[QualityRow]:
    """A row an answerer and k, over topics that both tables have.

    Args:
        answers: records.ANSWERS.
        scores: records.SCORES of the headline measure alone.
        contexts: which system, track and k a context's name stands for.
    """
    measured = scores.groupby(["track", "system", "topic_id"], sort=False)["value"].mean().to_dict()
    ranked = answers[(answers["order"] == "ranked") & answers["score"].notna()]
    found = [context for context in contexts if context.system]
    rows = []
    for answerer, own in ranked.groupby("answerer", sort=False):
        for k in dict.fromkeys(context.k for context in found):
            parts = [_joined(own, context, measured) for context in found if context.k == k]
            table = pd.concat(parts, ignore_index=True)
            if not table.empty:
                rows.append(_row(str(answerer), k, table))
    return rows


def _joined(answers: pd.DataFrame, context: Context, measured: Mapping[Hashable, float]) -> pd.DataFrame:
    """track, system, quality, score of each topic that was scored and measured."""
    own = answers.loc[answers["context"] == context.name, ["topic_id", "score"]]
    quality = [measured.get((context.track, context.system, topic), np.nan) for topic in own["topic_id"]]
    table = own.assign(quality=quality, track=context.track, system=context.system)
    return table.dropna(subset=["quality"]).astype({"score": float, "quality": float})


def _row(answerer: str, k: int, table: pd.DataFrame) -> QualityRow:
    from scipy.stats import kendalltau

    means = table.groupby(["track", "system"], sort=False)[["quality", "score"]].mean()
    tau = float(kendalltau(means["quality"], means["score"]).statistic) if len(means) > 2 else float("nan")
    points = [
        QualityPoint(track, system, rounded(quality), rounded(score))
        for track, system, quality, score in means.reset_index().itertuples(index=False, name=None)
    ]
    bins = [_bin(table, low, high) for low, high in pairwise(_ENDS)]
    return QualityRow(answerer, k, points, None if np.isnan(tau) else rounded(tau), bins)


def _bin(table: pd.DataFrame, low: float, high: float) -> QualityBin:
    last = high == _ENDS[-1]
    inside = table[(table["quality"] >= low) & ((table["quality"] <= high) if last else (table["quality"] < high))]
    return QualityBin(low, high, len(inside), rounded(inside["score"].mean()) if len(inside) else None)
