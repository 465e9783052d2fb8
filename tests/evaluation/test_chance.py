"""Closed forms of chance against every order of small pools, against drawn rankings, and on published pools."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from ir_measures import Measure

from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.measures import chance
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.formats.reading import read
from tests.evaluation.runs import values
from tests.published import INQUIRE_RERANK_HARD, VISUAL_RAG_ME, benchmarks

__all__ = ["benchmarks"]

NAMES = [
    "P@1", "P@3", "P@9", "P(rel=2)@3", "R@3", "R@9", "Success@3", "hit@3", "hit@9", "AP", "AP@3", "AP(rel=2)", "RR",
    "RR@3", "Rprec", "Bpref", "nDCG", "nDCG@1", "nDCG@3", "nDCG@9", "Judged@3", "visret_nDCG@1", "visret_nDCG@3",
    "visret_nDCG@5", "visret_nDCG@9", "inquire_AP@2", "inquire_AP@9", "revisitop_AP", "both_entities@2",
]  # fmt: skip
POOLS: list[list[int | None]] = [
    [1], [0], [1, 0], [1, 1, 1], [0, 0, 0, 1, 0, 0], [1, 0, 1, 1, 0, 1], [2, 1, 0, 3, 0], [2, None, 0, 1, None],
    [1, -1, 0, -1, 1], [-1, 0, None], [-1, -2], [2, 1, -1, None, 0, 0],
]  # fmt: skip


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_closed_forms_are_the_mean_over_every_order(pool: list[int | None]) -> None:
    images = [f"i{place}" for place in range(len(pool))]
    grades = {image: label for image, label in zip(images, pool, strict=True) if label is not None}
    orders = {str(n): order for n, order in enumerate(itertools.permutations(images))}
    runs = {n: {image: -float(place) for place, image in enumerate(order)} for n, order in orders.items()}
    found = values(dict.fromkeys(orders, grades), runs, NAMES)
    for measure in parse_measures(NAMES):
        mean = np.mean([found[n, str(measure)] for n in orders])
        assert chance.expected(measure, pool) == pytest.approx(mean, abs=1e-12), str(measure)


def test_drawn_rankings_agree_with_closed_forms() -> None:
    rng = np.random.default_rng(1)
    pools = [list(map(int, rng.integers(0, 3, size=size) * (rng.random(size) < 0.3))) for size in (5, 40, 120)]
    assert deviation(parse_measures(NAMES), pools, draws=1000) <= 4


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (VISUAL_RAG_ME, {"visret_nDCG@10": 0.242, "nDCG@10": 0.086, "hit@10": 0.460}),
        (INQUIRE_RERANK_HARD, {"visret_nDCG@10": 0.311, "nDCG@10": 0.142, "hit@10": 0.552}),
    ],
)
def test_on_published_pools_too(benchmarks: Path, name: str, shown: dict[str, float]) -> None:
    pools = [list(pool.labels.values()) for pool in read(None, benchmarks / name).pools]
    measures = parse_measures([*shown, "hit@1", "P@10", "R@30", "AP", "RR", "inquire_AP@50"])
    assert {m: round(v, 3) for m, v in chance.mean_expected(measures[:3], pools).items()} == shown
    assert deviation(measures, pools, draws=100) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("name", [VISUAL_RAG_ME, INQUIRE_RERANK_HARD])
def test_a_thousand_draws_on_published_pools(benchmarks: Path, name: str) -> None:
    pools = [list(pool.labels.values()) for pool in read(None, benchmarks / name).pools]
    texts = ["visret_nDCG@10", "visret_nDCG@30", "nDCG@10", "nDCG@30", "hit@1", "hit@10", "hit@30", "AP", "RR"]
    assert deviation(parse_measures(texts), pools, draws=1000) <= 4


def deviation(measures: list[Measure], pools: list[list[int | None]], draws: int) -> float:
    """How far, at most, the mean of seeded draws is from the closed form, in units of its standard error."""
    drawn = chance.simulate(measures, pools, draws, seed=5)
    assert drawn.shape == (draws, len(measures))
    errors = drawn.std(axis=0, ddof=1) / draws**0.5
    expected = np.array(list(chance.mean_expected(measures, pools).values()))
    return float((np.abs(drawn.mean(axis=0) - expected) / (errors + 1e-12)).max())


def test_draws_are_those_of_the_seed() -> None:
    measures = parse_measures(["AP", "hit@1"])
    first = chance.simulate(measures, [[1, 0, 0, 1]], 20, seed=1)
    assert (first == chance.simulate(measures, [[1, 0, 0, 1]], 20, seed=1)).all()
    assert (first != chance.simulate(measures, [[1, 0, 0, 1]], 20, seed=2)).any()


def test_both_pools_of_a_topic_hit_independently() -> None:
    (measure,) = parse_measures(["both_entities@1"])
    assert chance.expected(measure, [1, 0]) * chance.expected(measure, [1, 0, 0]) == pytest.approx(1 / 6)


def test_what_is_not_known_is_refused() -> None:
    infap, ndcg = parse_measures(["infAP", "nDCG(judged_only=True)@5"])
    for measure in (infap, ndcg):
        assert not chance.computable(measure)
        with pytest.raises(FieldguideError, match="the expected value of a random ranking is known for AP, Bpref,"):
            chance.expected(measure, [1, 0])
    with pytest.raises(FieldguideError, match="no judged image"):
        chance.expected(parse_measures(["AP"])[0], [None, None])
