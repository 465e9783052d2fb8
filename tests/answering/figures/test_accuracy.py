"""Figures of small tables, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from fieldguide.answering.figures.accuracy import TopicEntities, accuracy_rows, coverage_rows, order_rows
from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import Clusters
from fieldguide.evaluation.statistics.intervals import bounded_interval, mean_interval
from tests.answering.figures.tables import outcomes, row, table

EVALUATE = Evaluate(baseline="x", permutations=2000)


def alone(count: int) -> TopicEntities:
    """So many topics of two entities each, none of which is in another."""
    return TopicEntities.of({f"t{n}": (f"a{n}", f"b{n}") for n in range(count)})


def values(*numbers: float) -> pd.Series[float]:
    return pd.Series(numbers, index=[f"t{n}" for n in range(len(numbers))], dtype=float)


def test_the_design_effect_by_hand() -> None:
    # Residuals +-1/2: their squares come to 1, the two pairs that share an entity add 2 x (1/4 + 1/4).
    shared = TopicEntities.of({"t0": ("a", "b"), "t1": ("b", "c"), "t2": ("d", "e"), "t3": ("e", "d")})
    found = shared.clusters(values(1, 1, 0, 0))
    assert found.effect is not None
    assert found.effect.tolist() == [2.0]
    assert found.units == 4  # of five entities and four topics
    opposed = shared.clusters(values(1, 0, 1, 0))
    assert opposed.effect is not None
    assert opposed.effect.tolist() == [1.0]  # never below that of independent topics


def test_a_mean_s_interval_with_a_design_effect_by_hand() -> None:
    shared = TopicEntities.of({"t0": ("a", "b"), "t1": ("b", "c"), "t2": ("d", "e"), "t3": ("e", "d")})
    low, high = mean_interval(shared.clusters(values(1, 1, 0, 0)), 0.95)
    half = student.ppf(0.975, 3) * np.sqrt(4 / 3 * 1.0 / 16 * 2.0)
    assert (low[0], high[0]) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sets(st.integers(0, 6), min_size=1, max_size=3)),
        min_size=2,
        max_size=9,
    )
)
def test_the_design_effect_counts_every_pair_that_shares(topics: list[tuple[float, set[int]]]) -> None:
    numbers = [value for value, _ in topics]
    names = {f"t{n}": [f"e{e}" for e in sorted(own)] for n, (_, own) in enumerate(topics)}
    found = TopicEntities.of(names).clusters(values(*numbers))
    residuals = np.asarray(numbers) - np.mean(numbers)
    pairs = sum(
        residuals[a] * residuals[b]
        for a, (_, own) in enumerate(topics)
        for b, (_, other) in enumerate(topics)
        if own & other
    )
    squares = float((residuals**2).sum())
    wanted = max(1.0, pairs / squares) if squares > 1e-12 else 1.0
    assert (1.0 if found.effect is None else found.effect[0]) == pytest.approx(wanted)


def test_topics_that_share_nothing_are_independent() -> None:
    column = values(1, 0, 1, 1)
    found = alone(4).clusters(column)
    plain = Clusters(np.asarray(column)[:, None], np.ones(4))
    assert (found.effect, found.units) == (None, None)
    assert [end.tolist() for end in bounded_interval(found, 0.9)] == [
        end.tolist() for end in bounded_interval(plain, 0.9)
    ]


def test_what_became_of_a_context_s_answers() -> None:
    rows = outcomes("none", "ccwapu")
    rows[0] |= {"prompt_tokens": 100, "completion_tokens": 10, "cost": 0.5}
    rows[1] |= {"prompt_tokens": 50, "completion_tokens": None, "cost": 0.25}
    (found,) = accuracy_rows(table(rows), alone(6), EVALUATE)
    assert (found.topics, found.correct, found.wrong, found.abstained, found.unparseable, found.unscored) == (
        6, 2, 1, 1, 1, 1,
    )  # fmt: skip
    assert found.accuracy == 0.4  # of five that were scored
    assert found.answered == pytest.approx(2 / 3, abs=1e-6)
    assert (found.tokens, found.cost, found.tokens_a_correct, found.cost_a_correct) == (160, 0.75, 80.0, 0.375)
    low, high = bounded_interval(alone(5).clusters(values(1, 1, 0, 0, 0)), 0.95)
    assert [found.low, found.high] == pytest.approx([low[0], high[0]], abs=1e-6)
    assert (found.difference, found.gap, found.q) == (None, None, None)


def test_where_nothing_was_scored_nothing_is_made_up() -> None:
    (found,) = accuracy_rows(table(outcomes("none", "uuu")), alone(3), EVALUATE)
    assert (found.accuracy, found.low, found.high, found.answered, found.tokens, found.tokens_a_correct) == (None,) * 6
    assert found.unscored == 3
    assert {name: (group.topics, group.accuracy) for name, group in found.by_shown.items()} == {
        "all": (0, None), "some": (0, None), "none": (3, None),
    }  # fmt: skip


def test_topics_by_what_they_were_shown() -> None:
    def shown(*pairs: tuple[str, bool | None]) -> dict[str, Any]:
        return {"subtopics": [s for s, _ in pairs], "relevant": [good for _, good in pairs]}

    rows = [
        row("t0", "correct", "gold", **shown(("t0.e1", True), ("t0.e2", True))),
        row("t1", "wrong", "gold", **shown(("t1.e1", True), ("t1.e1", True), ("t1.e2", False))),
        row("t2", "correct", "gold", **shown(("t2.e1", False), ("t2.e2", True))),
        row("t3", "unscored", "gold", **shown(("t3.e1", True))),
        row("t4", "wrong", "gold", **shown(("t4.e1", False), ("t4.e2", None))),
        row("t5", "wrong", "gold"),
    ]
    (found,) = accuracy_rows(table(rows), alone(6), EVALUATE)
    assert {name: (group.topics, group.accuracy) for name, group in found.by_shown.items()} == {
        "all": (1, 1.0), "some": (3, 0.5), "none": (2, 0.0),
    }  # fmt: skip


def test_differences_are_over_the_topics_that_both_scored() -> None:
    rows = [
        *outcomes("none", "wwwwwwwwwwcu"),
        *outcomes("gold", "ccccccccccuc"),
        *outcomes("text@1 fullrank", "cccccwwwwwcc"),
        *outcomes("negatives", "wwwwwwwwwwcc"),
    ]
    found = {one.context: one for one in accuracy_rows(table(rows), alone(12), EVALUATE)}
    assert list(found) == ["none", "gold", "text@1 fullrank", "negatives"]
    assert found["none"].difference is None
    assert found["gold"].difference == 1.0  # ten of twelve topics
    assert found["text@1 fullrank"].difference == pytest.approx(5 / 11, abs=1e-6)
    assert found["negatives"].difference == 0.0
    assert found["gold"].gap == 1.0
    assert found["text@1 fullrank"].gap == pytest.approx(5 / 11, abs=1e-6)
    # Sign patterns: of ten topics that all changed two in 2**10; of five that changed two in 2**5.
    p = {name: one.p for name, one in found.items() if one.p is not None}
    assert p == {
        "gold": pytest.approx(2 / 2**10, abs=1e-6), "text@1 fullrank": pytest.approx(2 / 2**5), "negatives": 1.0,
    }  # fmt: skip
    # Benjamini and Hochberg: the least of p x m / rank from here on.
    assert found["gold"].q == pytest.approx(3 * 2 / 2**10, abs=1e-6)
    assert found["text@1 fullrank"].q == pytest.approx(3 / 2 * 2 / 2**5)
    assert found["negatives"].q == 1.0


def test_no_share_of_a_gap_that_is_not_surely_there() -> None:
    rows = [*outcomes("none", "cwcwcw"), *outcomes("gold", "wccwcc"), *outcomes("text@1 fullrank", "cccccc")]
    found = {one.context: one for one in accuracy_rows(table(rows), alone(6), EVALUATE)}
    assert found["gold"].difference == pytest.approx(1 / 6, abs=1e-6)
    assert found["gold"].difference_low is not None
    assert found["gold"].difference_low < 0
    assert [one.gap for one in found.values()] == [None, None, None]


def test_every_answerer_is_compared_with_itself() -> None:
    rows = [
        *outcomes("none", "wwww"), *outcomes("gold", "cccc"),
        *outcomes("none", "cccc", answerer="other"), *outcomes("gold", "cccc", answerer="other"),
        *outcomes("gold", "cccc", answerer="lacking"),
    ]  # fmt: skip
    found = {(one.answerer, one.context): one.difference for one in accuracy_rows(table(rows), alone(4), EVALUATE)}
    assert found == {
        ("it", "none"): None, ("it", "gold"): 1.0, ("other", "none"): None, ("other", "gold"): 0.0,
        ("lacking", "gold"): None,
    }  # fmt: skip


def test_other_orders_count_for_nothing_but_orders() -> None:
    rows = [*outcomes("gold", "cccw"), *outcomes("gold", "wwww", order="reversed")]
    (found,) = accuracy_rows(table(rows), alone(4), EVALUATE)
    assert (found.topics, found.accuracy) == (4, 0.75)


def test_orders_by_hand() -> None:
    rows = [
        *outcomes("gold", "ccwu"), *outcomes("gold", "cwwc", order="reversed"),
        *outcomes("gold", "caww", order="exchanged"),
        *outcomes("none", "cccc"),
        *outcomes("negatives", "uuuu"), *outcomes("negatives", "cccc", order="reversed"),
    ]  # fmt: skip
    (found,) = order_rows(table(rows))
    assert (found.answerer, found.context) == ("it", "gold")
    # Over t0, t1 and t2: t3 was not scored in one order.
    assert found.accuracy == {"ranked": 0.666667, "reversed": 0.333333, "exchanged": 0.333333}
    assert found.spread == pytest.approx(1 / 3, abs=1e-6)
    assert found.changed == pytest.approx(1 / 3, abs=1e-6)


def test_an_answer_that_did_not_come_is_no_change() -> None:
    rows = [*outcomes("gold", "ccwu"), *outcomes("gold", "ccuc", order="reversed")]
    (found,) = order_rows(table(rows))
    assert (found.accuracy, found.spread, found.changed) == ({"ranked": 1.0, "reversed": 1.0}, 0.0, 0.0)


def test_the_area_under_risk_and_coverage_by_hand() -> None:
    marks = [(0.9, "correct"), (0.9, "wrong"), (0.5, "correct"), (0.1, "wrong"), (None, "correct"), (0.3, "unscored")]
    rows = [row(f"t{n}", outcome, "gold", confidence=sure) for n, (sure, outcome) in enumerate(marks)]
    (found,) = coverage_rows(table([*rows, *outcomes("none", "cccc")]))
    assert (found.answerer, found.context) == ("it", "gold")
    assert found.coverage == [0.5, 0.75, 1.0]
    assert found.risk == [0.5, 0.333333, 0.5]
    assert found.area == pytest.approx(0.5 * 0.5 + 0.25 / 3 + 0.25 * 0.5, abs=1e-6)


def test_who_is_surer_of_what_is_right_has_the_smaller_area() -> None:
    def area(sure: list[float]) -> float:
        rows = [row(f"t{n}", "correct" if n < 3 else "wrong", confidence=c) for n, c in enumerate(sure)]
        return coverage_rows(table(rows))[0].area

    knowing, vain, even = area([0.9, 0.8, 0.7, 0.2, 0.1]), area([0.1, 0.2, 0.3, 0.8, 0.9]), area([0.5] * 5)
    assert knowing < even < vain
    assert even == 0.4  # of equal confidence all are taken together
    assert knowing == pytest.approx((0 + 0 + 0 + 1 / 4 + 2 / 5) / 5, abs=1e-6)
