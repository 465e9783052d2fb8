from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.corpus.ingest.duplicates import _masks, clusters, hamming, near_pairs, representatives

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


def test_the_first_of_a_chain_represents_it() -> None:
    # b - a - c: b and c are six bits apart, but both near a.
    hashes = np.array([7, 0, 0b111000, 2**64 - 1], dtype=np.uint64)
    assert representatives(hashes, 3).tolist() == [0, 0, 0, 3]


def test_equal_hashes_are_near_at_no_bits_at_all() -> None:
    assert representatives(np.array([5, 0, 0, 1], dtype=np.uint64), 0).tolist() == [0, 1, 1, 3]


def test_nothing_has_no_representatives() -> None:
    assert not len(representatives(np.array([], dtype=np.uint64), 4))


def test_many_blank_images_are_one_node() -> None:
    # All pairs of these would be 5e9.
    assert not representatives(np.full(100_000, 1 << 63, dtype=np.uint64), 4).any()


@given(st.integers(0, 16))
def test_hashes_within_some_bits_share_one_of_the_masks(bits: int) -> None:
    masks = [int(mask) for mask in _masks(bits)]
    rng = np.random.default_rng(bits)
    for _ in range(50):
        flipped = sum(1 << int(bit) for bit in rng.choice(64, bits, replace=False))
        assert any(not flipped & mask for mask in masks)


def test_hashes_are_unsigned_numbers() -> None:
    a, b = np.array([2**64 - 1, 1 << 63], dtype=np.uint64)
    assert hamming(a, b) == 63
