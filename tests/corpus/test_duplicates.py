from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.corpus.ingest.duplicates import clusters, hamming, near_pairs, parse_phashes, representatives

# Few bases and few flipped bits, so that near and equal hashes are common.
_flips = st.sets(st.integers(0, 63), max_size=6)
_hashes = st.lists(
    st.tuples(st.sampled_from([0, 2**64 - 1, 0x0F0F3C3CAAAA5555]), _flips).map(
        lambda pair: pair[0] ^ sum(1 << bit for bit in pair[1])
    ),
    max_size=24,
)


def _brute_force(hashes: list[int], bits: int) -> list[list[int]]:
    return [[i, j] for i, j in combinations(range(len(hashes)), 2) if (hashes[i] ^ hashes[j]).bit_count() <= bits]


@given(_hashes, st.integers(0, 16))
def test_banding_finds_what_comparing_all_pairs_finds(hashes: list[int], bits: int) -> None:
    assert near_pairs(np.array(hashes, dtype=np.uint64), bits).tolist() == _brute_force(hashes, bits)


@given(_hashes, st.integers(0, 16))
def test_clusters_are_the_components_of_all_pairs(hashes: list[int], bits: int) -> None:
    number = list(range(len(hashes)))
    for i, j in _brute_force(hashes, bits):
        number = [number[i] if n == number[j] else n for n in number]
    found = clusters(np.array(hashes, dtype=np.uint64), bits).tolist() if hashes else []
    for i, j in combinations(range(len(hashes)), 2):
        assert (found[i] == found[j]) == (number[i] == number[j])


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.corpus.ingest.duplicates._BLOCK", 7)
    hashes = [1 << bit for bit in range(12)]
    assert near_pairs(np.array(hashes, dtype=np.uint64), 2).tolist() == _brute_force(hashes, 2)


def test_the_least_image_id_of_a_chain_represents_it() -> None:
    # b - a - c: b and c are six bits apart, but both near a.
    phashes = ["0000000000000007", "0000000000000000", "0000000000000038", "ffffffffffffffff"]
    assert representatives(["m", "k", "z", "d"], phashes, 3) == ["k", None, "k", None]


def test_equal_hashes_are_near_at_no_bits_at_all() -> None:
    assert representatives(["b", "a", "c"], ["0" * 16, "0" * 16, "0" * 15 + "1"], 0) == ["a", None, None]


def test_nothing_has_no_representatives() -> None:
    assert representatives([], [], 4) == []


def test_many_blank_images_are_one_node() -> None:
    # All pairs of these would be 5e9.
    ids = [f"{n:06d}" for n in range(100_000)]
    assert representatives(ids, ["8000000000000000"] * len(ids), 4)[1:] == ["000000"] * (len(ids) - 1)


def test_hashes_are_read_as_unsigned_numbers() -> None:
    a, b = parse_phashes(["ffffffffffffffff", "8000000000000000"])
    assert hamming(a, b) == 63
