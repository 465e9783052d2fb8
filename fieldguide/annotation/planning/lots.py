"""Lots: seeded draws that depend on what is drawn and on nothing else.

A generator's n-th draw depends on the n-1 before it, so that one topic more would move everything after it. A lot
is a hash of the seed and of the names of what it is drawn for (rendezvous hashing): it stays as it is whatever
else is there.
"""

from __future__ import annotations

from fieldguide.core.files import canonical_json, sha256_bytes


def lot(seed: int, *names: str) -> float:
    """A number of [0, 1), uniform over names, the same on every machine."""
    return int(sha256_bytes(canonical_json([seed, *names]).encode())[:13], 16) / 16**13
