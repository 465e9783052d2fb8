"""How alike two entities are: by kinship, by description, by looks. Each on a scale from 0 to 1; pure computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fieldguide.core.english import stems

# Below what float32 sums may differ by between machines, so that equal input gives equal bytes.
DECIMALS = 6

Vectors = npt.NDArray[np.floating]


def common_path(paths: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What the taxonomy paths have in common from the root, the entities themselves (their last names) apart."""
    shared = []
    for level in zip(*(path[:-1] for path in paths), strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)


def taxonomic(paths: Sequence[Sequence[str]]) -> float:
    """Length of the common path over the length of the longest path, without the entities themselves.

    1 for siblings, 0 for what shares not even the root. For more than two entities this is the least
    value of any pair, since a common ancestor of all is one of each pair.
    """
    longest = max(len(path) - 1 for path in paths)
    return round(len(common_path(paths)) / longest, DECIMALS) if longest else 0.0


class Lexical:
    """BM25 (Robertson and Zaragoza 2009; k1 1.5, b 0.75) between descriptions, made symmetric and put on 0..1.

    BM25(a, b) scores document b for the words of a. Divided by what a itself gets for its own words, clipped
    to 0..1, and averaged over both directions, it is 1 for equal texts and 0 for texts without a common
    word. A text all of whose words are too common to be weighed is like no other (0).
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        from rank_bm25 import BM25Okapi

        self._place = {entity: place for place, entity in enumerate(texts)}
        # A word no text holds keeps rank_bm25 from dividing by the mean length 0 of texts without words.
        self._words = [stems(text) or [""] for text in texts.values()]
        self._index = BM25Okapi(self._words)
        self._own: dict[int, float] = {}

    def __call__(self, first: str, second: str) -> float:
        """Similarity of two entities' texts."""
        a, b = self._place[first], self._place[second]
        return round((self._share(a, b) + self._share(b, a)) / 2, DECIMALS)

    def _share(self, query: int, document: int) -> float:
        own = self._own.get(query)
        if own is None:
            own = self._own.setdefault(query, self._score(query, query))
        return float(np.clip(self._score(query, document) / own, 0, 1)) if own > 0 else 0.0

    def _score(self, query: int, document: int) -> float:
        return float(self._index.get_batch_scores(self._words[query], [document])[0])


def class_means(vectors: Mapping[str, Vectors]) -> dict[str, npt.NDArray[np.float64]]:
    """Direction in which each entity's images differ from the mean entity: unit length, float64 (d,).

    The mean of the class means is subtracted first: what all photographs of a corpus have in common would
    otherwise make any two classes nearly parallel. A class that lies on that mean stays a vector of zeros.
    """
    means = {entity: np.asarray(rows, dtype=np.float64).mean(axis=0) for entity, rows in vectors.items()}
    if not means:
        return {}
    centre = np.mean(list(means.values()), axis=0)
    centred = {entity: mean - centre for entity, mean in means.items()}
    return {entity: mean / (np.linalg.norm(mean) or 1.0) for entity, mean in centred.items()}


def visual(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """(1 + cosine) / 2 of two of `class_means`: 1 same direction, 0.5 unrelated, 0 opposite."""
    return round(float(np.clip((1 + first @ second) / 2, 0, 1)), DECIMALS)
