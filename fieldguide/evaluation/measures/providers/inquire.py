"""INQUIRE's average precision (Vendrow and others, NeurIPS 2024; `src/metrics.py` of the INQUIRE repository)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from ir_measures import Measure
from ir_measures.providers.base import Any as AnyValue

from fieldguide.evaluation.measures.lists import Ranked
from fieldguide.evaluation.measures.providers.ranked import REL, Cutoff, RankedProvider


class InquireAP(Measure):
    """`inquire_AP@k`: AP of the top k, normalised by the most that they can hold, min(positives, k).

    trec_eval's `AP@k` divides by all positives: with more positives than k it cannot reach 1.
    """

    __name__ = "inquire_AP"
    NAME = "inquire_AP"
    PRETTY_NAME = "Average precision of INQUIRE"
    SHORT_DESC = "Sum of the precisions at the relevant ranks up to k, over min(positives, k)."
    SUPPORTED_PARAMS: ClassVar = {"cutoff": Cutoff(), "rel": REL}


INQUIRE_AP = InquireAP()


class InquireProvider(RankedProvider):
    """Computes `inquire_AP@k`."""

    NAME = "inquire"
    SUPPORTED_MEASURES: ClassVar = [InquireAP(cutoff=AnyValue(), rel=AnyValue())]

    def compute(self, measure: Measure, ranked: Ranked) -> float:
        """The value for one subtopic, in [0, 1]; 0 without positives."""
        most = min(ranked.positives(measure), measure["cutoff"])
        top = ranked.relevant(measure)[: measure["cutoff"]]
        precision = np.cumsum(top) / np.arange(1, len(top) + 1)
        return float(precision[top].sum() / most) if most else 0.0
