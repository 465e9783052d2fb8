"""Near duplicates: images whose perceptual hashes differ in few bits."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

HASH_BITS = 64
_WIDE = 20
"""Bits that two hashes share before they are compared: a million random ones then have hardly a partner each."""
_FEW = 64
"""Tables of shared bits at most: each is a sort of all hashes."""

Pairs = npt.NDArray[np.int64]


def hamming(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Differing bits, elementwise (broadcasts)."""
    distance: npt.NDArray[np.uint8] = np.bitwise_count(a ^ b)
    return distance


def near_pairs(hashes: npt.NDArray[np.uint64], bits: int) -> Pairs:
    """All pairs within `bits` of each other, found by banding.

    The hash is cut into bits + k bands. Two hashes that differ in at most `bits` bits agree in at least k bands
    (pigeonhole), so that for each choice of k bands only hashes that share these are compared; nothing is missed.

    Args:
        hashes: (n,) different uint64 values.
        bits: greatest Hamming distance of a pair, 0 <= bits < 64.

    Returns:
        (m, 2) int64 indices i < j, sorted, each pair once.
    """
    found: list[Pairs] = [np.empty((0, 2), dtype=np.int64)]
    for mask in _masks(bits):
        found += _close(hashes, hashes & mask, bits)
    pairs: Pairs = np.unique(np.concatenate(found), axis=0)
    return pairs


def clusters(hashes: npt.NDArray[np.uint64], bits: int) -> npt.NDArray[np.int64]:
    """Number of the connected component of each hash, where hashes within `bits` are joined.

    Equal hashes are one node, so that a corpus with many blank images costs no more than one with one.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    different, node = np.unique(hashes, return_inverse=True)
    pairs = near_pairs(different, bits)
    shape = (len(different), len(different))
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=shape)
    component: npt.NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return component[node]


def representatives(hashes: npt.NDArray[np.uint64], bits: int) -> npt.NDArray[np.int64]:
    """For each image the place of the first of its cluster of near duplicates, which may be its own."""
    if not len(hashes):
        return np.empty(0, dtype=np.int64)
    _, first, component = np.unique(clusters(hashes, bits), return_index=True, return_inverse=True)
    places: npt.NDArray[np.int64] = first[component].astype(np.int64)
    return places


def _masks(bits: int) -> list[np.uint64]:
    """The bits that are shared, for each choice of k bands: as many as make buckets small and tables not too many."""
    k = 1
    while HASH_BITS * k // (bits + k) < _WIDE and math.comb(bits + k + 1, k + 1) <= _FEW:
        k += 1
    edges = np.linspace(0, HASH_BITS, bits + k + 1).astype(int)
    bands = [((1 << int(high)) - 1) ^ ((1 << int(low)) - 1) for low, high in itertools.pairwise(edges)]
    return [np.uint64(sum(choice)) for choice in itertools.combinations(bands, k)]


def _close(hashes: npt.NDArray[np.uint64], shared: npt.NDArray[np.uint64], bits: int) -> Iterator[Pairs]:
    """Pairs within `bits` among hashes that share a value: in its order each with the next, then with the one after."""
    order = np.argsort(shared, kind="stable")
    value, whole = shared[order], hashes[order]
    left: npt.NDArray[np.int64] = np.arange(len(order) - 1)
    for step in itertools.count(1):
        left = left[left + step < len(order)]
        left = left[value[left] == value[left + step]]
        if not len(left):
            return
        near = left[hamming(whole[left], whole[left + step]) <= bits]
        pairs: Any = np.sort(np.stack([order[near], order[near + step]], axis=1), axis=1)
        yield pairs.astype(np.int64)
