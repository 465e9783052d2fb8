"""What a release says of its private part, held against the release itself: no secret is needed for that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import Problem
from fieldguide.publishing.release.layout import ABOUT
from fieldguide.records.topics import Topic

_DIGEST = re.compile(r"[0-9a-f]{64}")


def wrong_private(
    folder: Path, stated: Any, topics: Sequence[Topic], tables: Mapping[str, pd.DataFrame]
) -> Iterator[Problem]:
    """What is called private and is there all the same, or is nowhere.

    Args:
        folder: of the release.
        stated: `private` of release.json; None where nothing is withheld.
        topics: of the release.
        tables: qrels, pools, scores and runs, by file name.
    """
    if stated is None:
        return
    where = str(folder / ABOUT)
    names = [stated.get(key) if isinstance(stated, dict) else None for key in ("subtopics", "topics")]
    commitment = stated.get("commitment") if isinstance(stated, dict) else None
    if not all(isinstance(one, list) and all(isinstance(name, str) for name in one) for one in names):
        yield Problem(where, "private: names no subtopics and topics; expected lists of ids")
        return
    if not isinstance(commitment, dict) or not all(_DIGEST.fullmatch(str(one)) for one in commitment.values()):
        yield Problem(where, f"private.commitment is {commitment!r}; expected a sha256 a file")
    subtopics, hidden = (set(one) for one in names if one is not None)
    known = {s.subtopic_id for topic in topics for s in topic.subtopics}
    for name in sorted((subtopics - known) | (hidden - {topic.topic_id for topic in topics})):
        yield Problem(where, f"private: names {name}, which is not in topics.jsonl")
    for topic in topics:
        if topic.topic_id in hidden and (topic.answer or topic.values):
            yield Problem(str(folder / "topics.jsonl"), f"gives the answer of {topic.topic_id}, which is private")
    for file, table in tables.items():
        for subtopic in sorted(subtopics.intersection(table["subtopic_id"].unique())):
            yield Problem(str(folder / file), f"has rows of {subtopic}, which is private")
