"""Near duplicates: images whose perceptual hashes differ in few bits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

HASH_BITS = 64
# Entries of one block of the pairwise comparison within a bucket: 32 MiB of uint64.
_BLOCK = 1 << 22

Pairs = npt.NDArray[np.int64]


def parse_phashes(phashes: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Hashes of 16 hex digits as (n,) uint64."""
    return np.array([int(phash, 16) for phash in phashes], dtype=np.uint64)


def hamming(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Differing bits, elementwise (broadcasts)."""
    distance: npt.NDArray[np.uint8] = np.bitwise_count(a ^ b)
    return distance


def near_pairs(hashes: npt.NDArray[np.uint64], bits: int) -> Pairs:
    """All pairs within `bits` of each other, found by banding.

    The hash is cut into bits + 1 bands. Two hashes that differ in at most `bits` bits agree in at least one
    band (pigeonhole), so that only hashes sharing a band's value are compared; nothing is missed.

    Args:
        hashes: (n,) different uint64 values.
        bits: greatest Hamming distance of a pair, 0 <= bits < 64.

    Returns:
        (m, 2) int64 indices i < j, sorted, each pair once.
    """
    found: list[Pairs] = [np.empty((0, 2), dtype=np.int64)]
    edges = np.linspace(0, HASH_BITS, bits + 2).astype(int)
    for low, high in itertools.pairwise(edges):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        found += [_close(hashes, bucket, bits) for bucket in _buckets(band)]
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


def representatives(image_ids: Sequence[str], phashes: Sequence[str], bits: int) -> list[str | None]:
    """For each image the least image_id of its cluster of near duplicates; None where that is itself."""
    if not image_ids:
        return []
    component = clusters(parse_phashes(phashes), bits).tolist()
    least: dict[int, str] = {}
    for number, image_id in zip(component, image_ids, strict=True):
        least[number] = min(least.get(number, image_id), image_id)
    return [
        least[number] if least[number] != image_id else None
        for number, image_id in zip(component, image_ids, strict=True)
    ]


def _buckets(band: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[np.int64]]:
    """Indices that share a value, for each value that occurs more than once."""
    order = np.argsort(band, kind="stable").astype(np.int64)
    starts = np.flatnonzero(np.diff(band[order], prepend=~band[order[:1]]))
    for bucket in np.split(order, starts[1:]):
        if len(bucket) > 1:
            yield bucket


def _close(hashes: npt.NDArray[np.uint64], bucket: npt.NDArray[np.int64], bits: int) -> Pairs:
    """Pairs within `bits` among the hashes of one bucket, a block of rows at a time."""
    members = np.sort(bucket)
    values = hashes[members]
    step = max(1, _BLOCK // len(members))
    found = []
    for start in range(0, len(members), step):
        left, right = np.nonzero(hamming(values[start : start + step, None], values[None, :]) <= bits)
        later = left + start < right
        found.append(np.stack([members[left[later] + start], members[right[later]]], axis=1))
    return np.concatenate(found)
