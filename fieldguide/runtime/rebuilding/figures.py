"""How far two builds' numbers lie apart, and how far they may."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fieldguide.evaluation.probing.probes import rank_biased_overlap
from fieldguide.runtime.rebuilding.conclusions import Conclusions

# A vector of unit length is stored in float16: two values beside each other lie .0005 apart at most. Twice that.
_VECTORS = 0.001
# Of 255 grey levels, in the mean of a box. What a generator draws otherwise moves whole boxes by tens.
_GREY = 2.0
# Images of like score change places by their last bits; a system that ranks otherwise lies below .9 soon.
_OVERLAP = 0.97
# Of a system's mean by the headline measure. Confidence intervals of the example are ten times wider.
_SCORE = 0.005


@dataclass(frozen=True)
class Figure:
    """The greatest distance of something.

    Attributes:
        what: of what, and by which measure.
        value: as measured; `at` says where.
        bound: what it may be: at most, or at least for an overlap.
        compared: how many values, rankings or means were compared.
        missing: how many of those that were published have no counterpart here that could be compared.
    """

    what: str
    value: float
    bound: float
    at: str
    compared: int
    missing: int = 0
    at_least: bool = False

    @property
    def near(self) -> bool:
        """Whether it is within its bound, something was compared, and nothing is missing."""
        if self.missing or not self.compared:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def sample_figures(published: pd.DataFrame, here: pd.DataFrame) -> list[Figure]:
    """Of two SAMPLES: the greatest difference of each part, in the unit of its values."""
    return [_sampled(str(part), rows, here[here["part"] == part]) for part, rows in published.groupby("part")]


def _sampled(part: str, published: pd.DataFrame, here: pd.DataFrame) -> Figure:
    ours = dict(zip(here["key"], here["values"], strict=True))
    pairs = [
        (key, _distance(values, ours.get(key)))
        for key, values in zip(published["key"], published["values"], strict=True)
    ]
    found = [(distance, key) for key, distance in pairs if distance is not None]
    value, key = max(found, default=(0.0, ""))
    bound = _GREY if part == "drawings" else _VECTORS
    return Figure(f"{part}: greatest difference", value, bound, key, len(found), len(pairs) - len(found))


def _distance(one: list[float], other: list[float] | None) -> float | None:
    """The greatest difference of two lists; None where they are of unlike length or hold what is no number."""
    if other is None or len(one) != len(other):
        return None
    both = (np.asarray(values, dtype=np.float64) for values in (one, other))
    greatest = float(np.max(np.abs(np.subtract(*both)), initial=0.0))
    return greatest if np.isfinite(greatest) else None


def ranking_figure(published: pd.DataFrame, here: pd.DataFrame) -> Figure:
    """Of two RANKINGS: the system with the least mean rank-biased overlap."""
    keys, other = (_rankings(table) for table in (published, here))
    both = [key for key in keys if key in other]
    overlaps: dict[str, list[float]] = {}
    for key in both:
        overlaps.setdefault(key[0], []).append(rank_biased_overlap(keys[key], other[key]))
    means = {system: float(np.mean(found)) for system, found in overlaps.items()}
    least = min(sorted(means), key=lambda system: means[system], default="")
    value, missing = means.get(least, 0.0), len(keys) - len(both)
    return Figure("rankings: least mean rank-biased overlap", value, _OVERLAP, least, len(both), missing, True)


def _rankings(table: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    return dict(zip(zip(table["system"], table["subtopic_id"], strict=True), table["images"], strict=True))


def score_figure(published: Conclusions, here: Conclusions) -> Figure:
    """The greatest difference of a system's mean by the headline measure."""
    ours = {(row.track, row.kind, row.system): row.mean for row in here.standings}
    theirs = {(row.track, row.kind, row.system): row.mean for row in published.standings}
    both = {key: abs(mean - ours[key]) for key, mean in theirs.items() if key in ours}
    at = max(sorted(both), key=lambda key: both[key], default=("", "", ""))
    what = f"scores: greatest difference of a mean {published.measure}"
    return Figure(what, both.get(at, 0.0), _SCORE, ", ".join(filter(None, at)), len(both), len(theirs) - len(both))
