"""Search and fusion against plain re-implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.records.runs import rank_images, ranking
from fieldguide.retrieval import search
from fieldguide.retrieval.fusion import fuse, reciprocal_ranks

IDS = [f"{n:04x}" for n in range(40)]


def unit(rng: np.random.Generator, n: int, d: int = 16) -> search.Floats:
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_similarities_are_cosines_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    queries, gallery = unit(rng, 3), unit(rng, 50)
    rows = rng.permutation(50)[:37]
    whole = search.similarities(queries, gallery.astype(np.float16), rows)
    monkeypatch.setattr(search, "_BLOCK", 4)
    assert np.array_equal(search.similarities(queries, gallery.astype(np.float16), rows), whole)
    assert np.allclose(whole, queries @ gallery[rows].T, atol=2e-3)


def test_similarities_hold_no_digits_that_a_batch_could_change() -> None:
    rng = np.random.default_rng(1)
    queries, gallery = unit(rng, 64, 1280), unit(rng, 300, 1280)
    rows = np.arange(300)
    together = search.similarities(queries, gallery, rows)
    apart = np.concatenate([search.similarities(q[None], gallery, rows) for q in queries])
    assert (np.abs(together - apart) <= 1.1e-6).all()
    assert (together == apart).mean() > 0.99
    pool = np.sort(rng.permutation(300)[:57])
    assert (np.abs(search.similarities(queries, gallery, pool) - together[:, pool]) <= 1.1e-6).all()


def test_centring_removes_what_a_domain_has_in_common() -> None:
    rng = np.random.default_rng(2)
    shift = np.zeros(16, dtype=np.float32)
    shift[0] = 5
    vectors = unit(rng, 200) + shift
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    centre = search.mean(vectors, np.arange(200))
    moved = search.centred(vectors, centre)
    assert np.allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
    assert np.linalg.norm(vectors.mean(axis=0)) > 0.9
    assert np.linalg.norm(moved.mean(axis=0)) < 0.2
    found = search.similarities(moved[:1], vectors, np.arange(200), centre)
    assert np.allclose(found[0], moved[0] @ moved.T, atol=1e-5)


def test_a_vector_at_the_centre_resembles_nothing() -> None:
    vectors = np.eye(3, dtype=np.float32)
    assert np.array_equal(search.centred(vectors[:1], vectors[0]), np.zeros((1, 3), dtype=np.float32))


def test_reciprocal_ranks_by_hand() -> None:
    # Rankings: a b c and c a b; c = 1, so ranks weigh 1/2, 1/3, 1/4.
    fused = reciprocal_ranks(np.array([[0.9, 0.8, 0.7], [0.5, 0.4, 0.6]]), ["a", "b", "c"], c=1)
    assert fused == pytest.approx([1 / 2 + 1 / 3, 1 / 3 + 1 / 4, 1 / 4 + 1 / 2])


def test_tied_similarities_rank_as_a_run_ranks_them() -> None:
    fused = reciprocal_ranks(np.array([[0.5, 0.5, 0.5]]), ["a", "b", "c"], c=0)
    assert fused == pytest.approx([1 / 3, 1 / 2, 1])


@given(st.integers(1, 5), st.integers(1, 40), st.floats(0, 60), st.integers(0, 2**32))
def test_fusing_agrees_with_the_definition(k: int, n: int, c: float, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(-5, 6, size=(k, n)) / 5
    expected = np.zeros(n)
    for row in scores:
        ordered = sorted(range(n), key=lambda i: (row[i], IDS[i]), reverse=True)
        for rank, image in enumerate(ordered, 1):
            expected[image] += 1 / (c + rank)
    assert fuse(scores, IDS[:n], "rrf", c) == pytest.approx(expected)
    assert fuse(scores, IDS[:n], "mean") == pytest.approx(scores.mean(axis=0))
    assert fuse(scores, IDS[:n], "max") == pytest.approx(scores.max(axis=0))


@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 2**32))
def test_cutting_before_sorting_gives_the_head_of_the_whole_order(n: int, depth: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 5, size=n) / 4
    whole = rank_images("t.e1", IDS[:n], scores, "s")
    assert rank_images("t.e1", IDS[:n], scores, "s", depth) == whole[:depth]
    assert np.array_equal(ranking(scores, IDS[:n]), ranking(scores, np.arange(n)))


def test_what_is_reached_is_the_union_of_every_querys_best(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    queries, gallery = unit(rng, 9), unit(rng, 60)
    rows = rng.permutation(60)[:50]
    best = np.argsort(-(queries @ gallery[rows].T), axis=1)[:, :4]
    expected = sorted({int(place) for row in best for place in row})
    assert search.reached(queries, gallery, rows, 4).tolist() == expected
    monkeypatch.setattr(search, "QUERIES", 2)
    assert search.reached(queries, gallery, rows, 4).tolist() == expected
    assert len(search.reached(queries, gallery, rows, 99)) == 50


@given(st.integers(1, 80), st.integers(1, 90), st.integers(1, 70), st.integers(0, 2**32))
def test_the_nearest_are_the_head_of_the_whole_order(n: int, depth: int, queries: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gallery = np.sign(rng.normal(size=(n, 4))).astype(np.float32) / 2  # many equal similarities
    asked, rows = gallery[rng.integers(0, n, queries)], rng.permutation(n)[: max(n // 2, 1)]
    places, scores = search.nearest(asked, gallery, rows, depth)
    for found, similar, own in zip(places, search.similarities(asked, gallery, rows), scores, strict=True):
        assert np.array_equal(found, ranking(similar, np.arange(len(rows)))[:depth])
        assert np.array_equal(own, similar[found])
