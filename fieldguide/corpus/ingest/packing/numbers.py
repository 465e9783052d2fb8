"""image_ids as numbers: the first 8 bytes of a sha256, eight bytes each instead of a string."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def numbers_of(hashes: Sequence[bytes]) -> Numbers:
    """The number of each sha256."""
    return np.frombuffer(b"".join(h[:8] for h in hashes), ">u8").astype(np.uint64)


def numbers_of_column(hashes: pa.Array | pa.ChunkedArray) -> Numbers:
    """As `numbers_of`, of binary(32); of null 0."""
    chunks = hashes.chunks if isinstance(hashes, pa.ChunkedArray) else [hashes]
    return np.concatenate([np.empty(0, np.uint64), *map(_numbers_of_chunk, chunks)])


def _numbers_of_chunk(hashes: pa.Array) -> Numbers:
    data = np.frombuffer(hashes.buffers()[1] or b"", np.uint8).reshape(-1, 32)[hashes.offset :][: len(hashes)]
    numbers = np.ascontiguousarray(data[:, :8]).view(">u8").ravel().astype(np.uint64)
    return np.where(hashes.is_valid().to_numpy(zero_copy_only=False), numbers, np.uint64(0))


def hex_column(numbers: Numbers) -> pa.Array:
    """Numbers as 16 hex digits each."""
    data = numbers.astype(">u8").view(np.uint8)
    digits = np.stack([_HEX[data >> 4], _HEX[data & 15]], axis=1)
    offsets = np.arange(0, 16 * len(numbers) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(digits.tobytes()))


def is_among(known: Numbers, numbers: Numbers) -> npt.NDArray[np.bool_]:
    """Whether each number is one of `known`, which are sorted."""
    found: npt.NDArray[np.bool_] = np.zeros(len(numbers), dtype=np.bool_)
    if len(known):
        found = known[np.minimum(np.searchsorted(known, numbers), len(known) - 1)] == numbers
    return found
