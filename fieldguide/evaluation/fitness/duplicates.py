"""Images that look the same and are graded differently within one subtopic.

One of the two grades is wrong, or what is asked for shows in one of them only; either way a system that retrieves
by looks is measured by luck there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Contradiction:
    """Two near duplicates with different grades. `distance`: bits of the perceptual hash; None: near by others only."""

    subtopic_id: str
    first: str
    second: str
    first_grade: int
    second_grade: int
    distance: int | None


@dataclass(frozen=True)
class Duplicates:
    """`pairs` near duplicates were judged for the same subtopic; `contradictions` of them got different grades."""

    pairs: int
    contradictions: tuple[Contradiction, ...]


def duplicates(qrels: pd.DataFrame, images: pd.DataFrame, found: pd.DataFrame) -> Duplicates:
    """Look at every two images of one near-duplicate cluster that were judged for one subtopic.

    Args:
        qrels: records.QRELS.
        images: records.IMAGES, whose near_duplicate_of makes the clusters.
        found: records.DUPLICATES, for the distances.
    """
    firsts = zip(images["image_id"], images["near_duplicate_of"], strict=True)
    cluster = {str(image): first for image, first in firsts if isinstance(first, str)}
    cluster |= {first: first for first in cluster.values()}
    near = found[found["kind"] == "near"]
    distances = {
        frozenset((str(one), str(other))): int(bits)
        for one, other, bits in zip(near["image_id"], near["other_image_id"], near["distance"], strict=True)
    }
    judged: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for subtopic, image, grade in zip(qrels["subtopic_id"], qrels["image_id"], qrels["grade"], strict=True):
        if image in cluster:
            judged.setdefault((str(subtopic), cluster[image]), []).append((str(image), int(grade)))
    pairs, contradictions = 0, []
    for (subtopic, _), members in sorted(judged.items()):
        for (one, grade), (other, other_grade) in itertools.combinations(sorted(members), 2):
            pairs += 1
            if grade != other_grade:
                bits = distances.get(frozenset((one, other)))
                contradictions.append(Contradiction(subtopic, one, other, grade, other_grade, bits))
    return Duplicates(pairs, tuple(contradictions))
