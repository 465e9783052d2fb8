"""Krippendorff's alpha as crowd-kit has it (NLTK's sums), to hold ours against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from crowdkit.metrics.data import alpha_krippendorff


def reference_alpha(answers: Sequence[Mapping[str, Any]], level: str) -> float:
    """Alpha of each unit's answers by observer; those of units with one answer do not count."""
    paired = [by for by in answers if len(by) > 1]
    rows = [(str(unit), name, value) for unit, by in enumerate(paired) for name, value in by.items()]
    given = Counter(value for *_, value in rows)

    def nominal(one: Hashable, other: Hashable) -> float:
        return float(one != other)

    def ordinal(one: Any, other: Any) -> float:
        low, high = min(one, other), max(one, other)
        between = sum(count for value, count in given.items() if low <= value <= high)
        return float((between - (given[low] + given[high]) / 2) ** 2) if one != other else 0.0

    frame = pd.DataFrame(rows, columns=["task", "worker", "label"])
    return float(alpha_krippendorff(frame, ordinal if level == "ordinal" else nominal))
