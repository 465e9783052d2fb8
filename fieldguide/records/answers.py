"""The table of answers, and the version of what is made of it."""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table

ANSWERING_VERSION = 1
"""Of data/answers/answering.json, which fieldguide/answering/figures/ writes and the report reads."""

OUTCOMES = ("correct", "wrong", "abstained", "unparseable", "unscored")
"""unparseable: nothing that can be right or wrong was said. unscored: no answer came, or no judge could score it."""

RULES = "rules"
"""`scored_by` of what no judge scored."""

_STR, _INT, _FLOAT, _STRS = pa.string(), pa.int64(), pa.float64(), pa.list_(pa.string())

ANSWERS = Table(
    "answers",
    ("answerer", "context", "order", "topic_id"),
    (
        Column("answerer", _STR, "name in params.yaml"),
        Column("context", _STR, "what was shown: none, gold, ..., or SYSTEM@K TRACK"),
        Column("order", _STR, "ranked, reversed, shuffled or exchanged; gold-first, gold-middle or gold-last"),
        Column("topic_id", _STR, "the question"),
        Column("subtopics", _STRS, "subtopic of each thing that was shown"),
        Column("kinds", _STRS, "image, drawing or caption"),
        Column("keys", _STRS, "its image_id or drawing_id"),
        Column("relevant", pa.list_(pa.bool_()), "whether it is relevant for its subtopic; null for a drawing"),
        Column("reply", _STR, "the answerer's words; null where none came", nullable=True),
        Column("said", _STR, "yes, no, or an entity_id; null where nothing can be read off", nullable=True),
        Column("outcome", _STR, "what became of it", allowed=OUTCOMES),
        Column("score", _FLOAT, "1 correct, 0 not; a judge's score from 0 to 1; null where unscored", nullable=True),
        Column("scored_by", _STR, "the rule or the judges that decided"),
        Column("reason", _STR, "why there is no answer or no score", nullable=True),
        Column("confidence", _FLOAT, "the answerer's, 0..1", nullable=True),
        Column("prompt_tokens", _INT, "as the endpoint counted", nullable=True),
        Column("completion_tokens", _INT, "as the endpoint counted", nullable=True),
        Column("cost", _FLOAT, "of the call, in the currency of calls.budget; 0 on this machine"),
    ),
)  # fmt: skip
