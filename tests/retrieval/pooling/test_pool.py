"""Pools."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.records.judgments import POOLS
from fieldguide.retrieval.pooling.pool import make_pools, pools_by_subtopic
from fieldguide.retrieval.pooling.section import Pool

GALLERY = [f"{n:02x}" for n in range(30)]


def run(rankings: dict[str, list[str]]) -> pd.DataFrame:
    rows = [(s, image, rank) for s, images in rankings.items() for rank, image in enumerate(images, 1)]
    return pd.DataFrame(rows, columns=["subtopic_id", "image_id", "rank"])


def test_a_pool_is_the_union_of_tops_with_who_ranked_what_where() -> None:
    runs = {"b": run({"t.e1": ["05", "01", "02"]}), "a": run({"t.e1": ["01", "09", "05"]})}
    pools = make_pools(Pool(systems=["a", "b"], depth=2, sample=0, seed=1), runs, ["t.e1"], GALLERY)
    assert list(pools["image_id"]) == ["01", "05", "09"]
    first = pools.iloc[0]
    assert (first["systems"], first["ranks"], first["best_rank"]) == (["a", "b"], [1, 2], 1)
    assert not pools["sampled"].any()


def test_a_subtopic_that_no_system_ranked_gets_its_sample() -> None:
    pools = make_pools(Pool(systems=["a"], depth=2, sample=3, seed=1), {"a": run({})}, ["t.e1"], GALLERY)
    assert len(pools) == 3
    assert pools["sampled"].all()
    assert pools["best_rank"].isna().all()


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.dictionaries(st.sampled_from(["t1.e1", "t1.e2", "t2.e1"]), st.lists(st.sampled_from(GALLERY), unique=True)),
    ),
    st.integers(1, 12),
    st.integers(0, 40),
)
def test_every_pool_holds_the_tops_and_a_sample_of_the_rest(
    rankings: dict[str, dict[str, list[str]]], depth: int, sample: int
) -> None:
    subtopics = ["t1.e1", "t1.e2", "t2.e1"]
    settings = Pool(systems=["a"], depth=depth, sample=sample, seed=4)
    pools = make_pools(settings, {name: run(r) for name, r in rankings.items()}, subtopics, GALLERY)
    assert not list(POOLS.problems(pools, "pools"))
    for subtopic, images in pools_by_subtopic(pools).items():
        top = {image for r in rankings.values() for image in r.get(subtopic, [])[:depth]}
        sampled = set(pools.loc[(pools["subtopic_id"] == subtopic) & pools["sampled"].astype(bool), "image_id"])
        assert set(images) == top | sampled
        assert not top & sampled
        assert len(sampled) == min(sample, len(GALLERY) - len(top))


def test_a_topics_sample_does_not_hang_on_the_other_topics() -> None:
    settings = Pool(systems=["a"], depth=1, sample=5, seed=9)
    alone = make_pools(settings, {}, ["t1.e1"], GALLERY)
    together = make_pools(settings, {}, ["t0.e1", "t1.e1"], GALLERY)
    assert pools_by_subtopic(together)["t1.e1"] == pools_by_subtopic(alone)["t1.e1"]
    other = make_pools(settings.model_copy(update={"seed": 10}), {}, ["t1.e1"], GALLERY)
    assert pools_by_subtopic(other) != pools_by_subtopic(alone)


def test_a_written_pool_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "pools.parquet"
    pools = make_pools(Pool(systems=["a"], depth=2, sample=2, seed=1), {"a": run({"t.e1": ["01"]})}, ["t.e1"], GALLERY)
    POOLS.write(path, pools)
    back = POOLS.read(path)
    assert list(back["image_id"]) == list(pools["image_id"])
    assert list(back["systems"]) == list(pools["systems"])
    assert [r for r, sampled in zip(back["best_rank"], back["sampled"], strict=True) if not sampled] == [1]
