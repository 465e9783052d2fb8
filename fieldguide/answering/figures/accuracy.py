"""Accuracy of each answerer in each context, beside what it says without images. Pure computation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.answering.figures.rows import AccuracyRow, CoverageRow, OrderRow, ShownGroup
from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import Clusters, Floats, sharing
from fieldguide.evaluation.statistics.comparison import compare_clusters, false_discovery
from fieldguide.evaluation.statistics.intervals import bounded_interval
from fieldguide.records.answers import OUTCOMES

_DIGITS = 6
NONE, GOLD = "none", "gold"
SHOWN = ("all", "some", "none")
Scores = Mapping[str, "pd.Series[float]"]


@dataclass(frozen=True)
class TopicEntities:
    """Numbers of the entities of each topic: topics that share one are not independent."""

    numbers: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, entities: Mapping[str, Sequence[str]]) -> TopicEntities:
        """From the entity_ids of each topic."""
        places = {entity: n for n, entity in enumerate(sorted({e for own in entities.values() for e in own}))}
        return cls({topic: tuple(places[e] for e in own) for topic, own in entities.items()})

    def clusters(self, values: pd.Series[float]) -> Clusters:
        """One value a topic (index topic_id), with what is shared."""
        column: Floats = np.asarray(values, dtype=np.float64)[:, None]
        return sharing(column, [self.numbers[topic] for topic in values.index])


def accuracy_rows(answers: pd.DataFrame, entities: TopicEntities, evaluate: Evaluate) -> list[AccuracyRow]:
    """A row an answerer and context.

    Args:
        answers: records.ANSWERS.
        entities: of each topic.
        evaluate: confidence, alpha, permutations and seed.
    """
    ranked = answers[answers["order"] == "ranked"]
    rows: list[AccuracyRow] = []
    for _, own in ranked.groupby("answerer", sort=False):
        parts = {str(context): some for context, some in own.groupby("context", sort=False)}
        made = [_row(some, entities, evaluate) for some in parts.values()]
        rows += _compared(made, {name: scores_of(some) for name, some in parts.items()}, entities, evaluate)
    return rows


def order_rows(answers: pd.DataFrame) -> list[OrderRow]:
    """A row an answerer and context that was shown in several orders."""
    rows = []
    scored = answers[answers["score"].notna()]
    for (answerer, context), own in scored.groupby(["answerer", "context"], sort=False):
        scores = own.pivot(index="topic_id", columns="order", values="score").astype(float).dropna()
        if len(scores.columns) < 2 or scores.empty:
            continue
        means = {str(order): rounded(scores[order].mean()) for order in own["order"].unique()}
        outcomes = own.pivot(index="topic_id", columns="order", values="outcome").loc[scores.index]
        changed = rounded((outcomes.nunique(axis=1) > 1).mean())
        spread = rounded(max(means.values()) - min(means.values()))
        rows.append(OrderRow(str(answerer), str(context), means, spread, changed))
    return rows


def coverage_rows(answers: pd.DataFrame) -> list[CoverageRow]:
    """A row an answerer and context where confidence is stated; answers of equal confidence are taken together."""
    rows = []
    told = answers[(answers["order"] == "ranked") & answers["confidence"].notna() & answers["score"].notna()]
    for (answerer, context), own in told.groupby(["answerer", "context"], sort=False):
        table = pd.DataFrame({"sure": own["confidence"].astype(float), "score": own["score"].astype(float)})
        grouped = table.groupby("sure")["score"].agg(["sum", "count"]).sort_index(ascending=False).cumsum()
        coverage = (grouped["count"] / len(table)).to_numpy()
        risk = (1 - grouped["sum"] / grouped["count"]).to_numpy()
        area = float((np.diff(coverage, prepend=0.0) * risk).sum())
        made = ([rounded(value) for value in column] for column in (coverage, risk))
        rows.append(CoverageRow(str(answerer), str(context), rounded(area), *made))
    return rows


def scores_of(rows: pd.DataFrame) -> pd.Series[float]:
    """Score by topic_id, of what was scored."""
    scored = rows[rows["score"].notna()]
    return pd.Series(scored["score"].to_numpy(dtype=np.float64), index=list(scored["topic_id"]), dtype=float)


def rounded(value: float) -> float:
    """Sums in another order differ beyond these digits; never a negative zero."""
    return round(float(value), _DIGITS) + 0.0


def _row(some: pd.DataFrame, entities: TopicEntities, evaluate: Evaluate) -> AccuracyRow:
    """`some`: the answers of one answerer in one context."""
    scores, counts, served = scores_of(some), Counter(some["outcome"]), _served(some, entities)
    mean, low, high = _interval(scores, entities, evaluate)
    tokens = sum(int(n) for name in ("prompt_tokens", "completion_tokens") for n in some[name].dropna())
    cost, correct = float(some["cost"].sum()), counts["correct"]
    decided = correct + counts["wrong"]
    return AccuracyRow(
        answerer=some["answerer"].iloc[0],
        context=some["context"].iloc[0],
        topics=len(some),
        **{name: counts[name] for name in OUTCOMES},
        accuracy=mean,
        low=low,
        high=high,
        answered=rounded(correct / decided) if decided else None,
        by_shown={name: _group(some[served == name]) for name in SHOWN},
        tokens=tokens or None,
        cost=rounded(cost),
        tokens_a_correct=rounded(tokens / correct) if tokens and correct else None,
        cost_a_correct=rounded(cost / correct) if cost and correct else None,
    )


def _compared(
    made: Sequence[AccuracyRow], scores: Scores, entities: TopicEntities, evaluate: Evaluate
) -> list[AccuracyRow]:
    """The rows with their difference to `none`, and the share of the gap to `gold` that they close."""
    against = scores.get(NONE)
    if against is None:
        return list(made)
    found: dict[str, dict[str, Any]] = {}
    for row in made:
        pair = pd.concat([scores[row.context], against], axis=1, join="inner").dropna()
        if row.context == NONE or len(pair) < 2:
            continue
        (one,) = compare_clusters(entities.clusters(pair.iloc[:, 0] - pair.iloc[:, 1]), evaluate)
        ends = {"difference_low": rounded(one.low), "difference_high": rounded(one.high)}
        found[row.context] = {"difference": rounded(one.difference), **ends, "p": rounded(one.p)}
    corrected = false_discovery(np.asarray([figures["p"] for figures in found.values()], dtype=np.float64))
    gold = found.get(GOLD)
    for figures, q in zip(found.values(), corrected, strict=True):
        figures["q"] = rounded(q)
        # By p, for it is planned: intervals of differences are too short where entities are few (decision 11).
        if gold is not None and gold["difference"] > 0 and gold["p"] <= evaluate.alpha:
            figures["gap"] = rounded(figures["difference"] / gold["difference"])
    return [replace(row, **found.get(row.context, {})) for row in made]


def _interval(
    scores: pd.Series[float], entities: TopicEntities, evaluate: Evaluate
) -> tuple[float | None, float | None, float | None]:
    if scores.empty:
        return None, None, None
    data = entities.clusters(scores)
    low, high = bounded_interval(data, evaluate.confidence)
    return rounded(data.mean[0]), rounded(low[0]), rounded(high[0])


def _served(rows: pd.DataFrame, entities: TopicEntities) -> pd.Series[str]:
    """For how many of its entities a topic was shown something relevant: all, some, none."""
    made = []
    for topic, subtopics, relevant in rows[["topic_id", "subtopics", "relevant"]].itertuples(index=False, name=None):
        served = {subtopic for subtopic, good in zip(subtopics, relevant, strict=True) if good}
        made.append("none" if not served else "all" if len(served) == len(entities.numbers[topic]) else "some")
    return pd.Series(made, index=rows.index, dtype=object)


def _group(rows: pd.DataFrame) -> ShownGroup:
    scores = scores_of(rows)
    return ShownGroup(len(rows), rounded(scores.mean()) if len(scores) else None)
