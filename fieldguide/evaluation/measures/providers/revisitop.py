"""Average precision of revisitop, the landmark benchmarks (Radenovic and others, CVPR 2018; its `python/evaluate.py`).

CLETIR measures with it. It differs from trec_eval's AP twice: junk images are taken out of the list before ranks are
counted, and the area under precision over recall is made of trapezoids (Philbin and others, CVPR 2007), not steps.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from ir_measures import Measure
from ir_measures.providers.base import Any as AnyValue

from fieldguide.evaluation.measures.lists import UNJUDGED, Ranked
from fieldguide.evaluation.measures.providers.ranked import REL, RankedProvider


class RevisitopAP(Measure):
    """`revisitop_AP`: trapezoids; images with a grade below 0 are junk, neither right nor wrong.

    revisitop's protocols are grades of one collection: for Easy grade the easy ones 1 and the hard ones -1, for Medium
    both 1, for Hard the hard ones 1 and the easy ones -1. Unjudged images are wrong, as there.
    """

    __name__ = "revisitop_AP"
    NAME = "revisitop_AP"
    PRETTY_NAME = "Average precision of revisitop"
    SHORT_DESC = "Trapezoids under precision over recall, images with a negative grade taken out."
    SUPPORTED_PARAMS: ClassVar = {"rel": REL}


REVISITOP_AP = RevisitopAP()


class RevisitopProvider(RankedProvider):
    """Computes `revisitop_AP`."""

    NAME = "revisitop"
    SUPPORTED_MEASURES: ClassVar = [RevisitopAP(rel=AnyValue())]

    def compute(self, measure: Measure, ranked: Ranked) -> float:
        """The value for one subtopic, in [0, 1]; 0 without positives (revisitop leaves such queries out)."""
        positives = ranked.positives(measure)
        if not positives:
            return 0.0
        kept = ranked.relevant(measure)[(ranked.grades >= 0) | (ranked.grades == UNJUDGED)]
        places = np.flatnonzero(kept)
        before = np.arange(len(places))
        # Precision just before the image: 1 where nothing is before it.
        left = np.where(places == 0, 1.0, before / np.maximum(places, 1))
        right = (before + 1) / (places + 1)
        return float((left + right).sum() / 2 / positives)
