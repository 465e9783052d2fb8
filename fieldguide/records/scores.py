"""The table of scores, and the versions of the evaluation's other files."""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table

FITNESS_VERSION = 1
"""Of data/evaluation/fitness.json, which fieldguide/evaluation/fitness/assess.py writes and the report reads."""

FIDELITY_VERSION = 1
"""Of data/evaluation/fidelity.json, which fieldguide/evaluation/fidelity/fidelity.py writes and the report reads."""

PROBES_VERSION = 1
"""Of data/evaluation/probes.json, which fieldguide/evaluation/probing/probes.py writes and the report reads."""

_STR, _FLOAT, _BOOL = pa.string(), pa.float64(), pa.bool_()

SCORES = Table(
    "scores",
    ("track", "system", "subtopic_id", "measure"),
    (
        Column("track", _STR, "which images were ranked", allowed=("rerank", "fullrank")),
        Column("system", _STR, "name in params.yaml"),
        Column("topic_id", _STR, "topic of the subtopic"),
        Column("kind", _STR, "kind of the topic", allowed=("comparison", "entity")),
        Column("subtopic_id", _STR, "topic x entity"),
        Column("measure", _STR, "as ir-measures writes it"),
        Column("value", _FLOAT, "0..1"),
        Column("defaulted", _BOOL, "the run had no line for this subtopic, the value is the measure's default"),
    ),
)
