"""Whether ranking predicts answering, by hand."""

from __future__ import annotations

import pandas as pd

from fieldguide.answering.contexts.choosing import Context
from fieldguide.answering.figures.quality import quality_rows
from fieldguide.answering.figures.rows import QualityBin, QualityPoint
from tests.answering.figures.tables import outcomes, table

CONTEXTS = [Context("gold"), *(Context(f"{name}@1 fullrank", name, "fullrank", 1) for name in ("poor", "fair", "good"))]


def scores(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["track", "system", "topic_id", "value"])


def test_points_bins_and_tau() -> None:
    answers = table([
        *outcomes("poor@1 fullrank", "cwww"), *outcomes("fair@1 fullrank", "ccwu"),
        *outcomes("good@1 fullrank", "cccw"),
        *outcomes("gold", "cccc"), *outcomes("good@1 fullrank", "wwww", order="reversed"),
    ])  # fmt: skip
    qualities = {
        "poor": [0.1, 0.1, 0.3, 0.3], "fair": [0.2, 0.6, 0.7, 0.9], "good": [1.0, 0.8, 0.6, 0.4],
    }  # fmt: skip
    made = [("fullrank", name, f"t{n}", value) for name, own in qualities.items() for n, value in enumerate(own)]
    other = [("rerank", "good", f"t{n}", 0.0) for n in range(4)]
    (row,) = quality_rows(answers, scores(*made, *other), CONTEXTS)
    assert (row.answerer, row.k, row.tau) == ("it", 1, 1.0)
    assert row.points == [
        QualityPoint("fullrank", "poor", 0.2, 0.25),
        QualityPoint("fullrank", "fair", 0.5, 0.666667),  # of the three that were scored, in both means
        QualityPoint("fullrank", "good", 0.7, 0.75),
    ]
    assert row.bins == [
        QualityBin(0.0, 0.2, 2, 0.5),
        QualityBin(0.2, 0.4, 3, 0.333333),  # 0.2 belongs to the upper of two bins
        QualityBin(0.4, 0.6, 1, 0.0),
        QualityBin(0.6, 0.8, 3, 0.666667),
        QualityBin(0.8, 1.0, 2, 1.0),  # 1 is in the last
    ]


def test_the_subtopics_of_a_topic_are_averaged() -> None:
    contexts = CONTEXTS[:2]
    answers = table(outcomes("poor@1 fullrank", "c"))
    twice = scores(("fullrank", "poor", "t0", 0.5), ("fullrank", "poor", "t0", 1.0), ("fullrank", "poor", "t9", 0.0))
    (row,) = quality_rows(answers, twice, contexts)
    assert row.points == [QualityPoint("fullrank", "poor", 0.75, 1.0)]
    assert row.tau is None  # two points and fewer have no order worth telling


def test_a_row_each_k_and_none_without_measures() -> None:
    contexts = [Context(f"good@{k} rerank", "good", "rerank", k) for k in (1, 5)]
    answers = table([*outcomes("good@1 rerank", "cw"), *outcomes("good@5 rerank", "cc")])
    measured = scores(("rerank", "good", "t0", 0.5), ("rerank", "good", "t1", 0.5))
    assert [(row.k, row.points[0].accuracy) for row in quality_rows(answers, measured, contexts)] == [
        (1, 0.5),
        (5, 1.0),
    ]
    assert quality_rows(answers, scores(), contexts) == []
    assert quality_rows(table(outcomes("gold", "cc")), measured, CONTEXTS[:1]) == []
