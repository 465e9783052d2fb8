"""Seeded draws that depend on what they are for and on nothing else.

A generator's n-th draw depends on the n-1 before it, so that one topic more would change everything after it. These
draws are hashes of the seed and of the names of what they are for (rendezvous hashing): one stays as it is whatever
else is drawn.
"""

from __future__ import annotations

from fieldguide.core.files import canonical_json, sha256_bytes


def draw(seed: int, *names: str) -> float:
    """A number of [0, 1), uniform over names, the same on every machine."""
    return int(sha256_bytes(canonical_json([seed, *names]).encode())[:13], 16) / 16**13
