"""What a reader may meet in a published file that is not as it should be: each kind with its meaning."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """What an oddity means, and whether what was read still holds everything that the file holds."""

    meaning: str
    lossless: bool


KINDS: dict[str, Kind] = {
    "byte-order-mark": Kind("the file begins with a byte-order mark, which many readers take as text", True),
    "windows-line-ends": Kind("lines end in CR LF", True),
    "repeated-key": Kind("a key occurs twice in one JSON object: most readers silently keep the last value", False),
    "repeated-row": Kind("a row gives a label that another row has given before", False),
    "missing-field": Kind("a record lacks a field that the format says it has", True),
    "wrong-type": Kind("a field holds another type than the format says; it is kept as it is", True),
    "no-labels": Kind("a pool is no object of labels by image: it counts as empty", False),
    "label": Kind("a label is no whole number (text, boolean, fraction, NaN): taken as not judged", False),
    "not-finite": Kind("NaN or an infinity, which JSON does not know", False),
    "empty-name": Kind("an image without a name", False),
    "no-text": Kind("labels of a query whose text is nowhere", True),
    "unknown-image": Kind("labels of an image that the corpus does not list", True),
}  # fmt: skip
