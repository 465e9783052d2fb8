"""Where a published file deviates from its format: each kind with its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something in a file that its format does not foresee, and that a column-wise reader would drop or misread.

    `kind` is a key of KINDS, which says what each means and whether an import can go on.
    """

    where: str
    kind: str
    detail: str


class DeviationKind(NamedTuple):
    """What a deviation means, and whether what was read still holds everything that the file holds."""

    meaning: str
    lossless: bool


KINDS: dict[str, DeviationKind] = {
    name: DeviationKind(meaning, lossless)
    for name, meaning, lossless in (
        ("byte-order-mark", "the file begins with a byte-order mark, which many readers take as text", True),
        ("windows-line-ends", "lines end in CR LF", True),
        ("repeated-key", "a key occurs twice in one JSON object: most readers silently keep the last value", False),
        ("repeated-row", "a row gives a label that another row has given before", False),
        ("missing-field", "a record lacks a field that the format says it has", True),
        ("wrong-type", "a field holds another type than the format says; it is kept as it is", True),
        ("no-labels", "a pool is no object of labels by image: it counts as empty", False),
        ("label", "a label is no whole number (text, boolean, fraction, NaN): taken as not judged", False),
        ("not-finite", "NaN or an infinity, which JSON does not know", False),
        ("empty-name", "an image without a name", False),
        ("no-text", "labels of a query whose text is nowhere", True),
        ("unknown-image", "labels of an image that the corpus does not list", True),
    )
}
