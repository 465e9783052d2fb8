"""What counts as a label in a published file, and which collections a format's labels can hold."""

from __future__ import annotations

import re
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.formats.collection import PublishedBenchmark, PublishedQuestion

GREATEST_LABEL = 2**31 - 1
"""trec_eval keeps a label as a C long; nobody publishes a greater one than fits in 32 bits."""
_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0+)?", re.ASCII)


def is_label(value: Any) -> bool:
    """Whether a JSON value is a label: a whole number, not true or false, of at most 32 bits."""
    return type(value) is int and abs(value) <= GREATEST_LABEL


def whole_number(text: str) -> int | None:
    """A label written as text (`1`, or `1.0` as pandas writes it); None where it is no whole number that a label is."""
    match = _WHOLE.fullmatch(text)
    if match is None or len(text) > 20:
        return None
    value = int(match[1])
    return value if is_label(value) else None


def only_pool(collection: PublishedBenchmark, question: PublishedQuestion) -> dict[str, int | None]:
    """Labels of a question's only pool, for formats that have one a question.

    Raises:
        FieldguideError: it has more.
    """
    if len(question.pools) > 1:
        what = f"{question.topic_id} has {len(question.pools)} pools, and this format holds one a question"
        raise FieldguideError(f"{collection.name}: {what}; export it as visual-rag-me, beir, trec or csv")
    return {image: label for pool in question.pools for image, label in pool.labels.items()}


def refuse_unjudged(collection: PublishedBenchmark) -> None:
    """Refuse pools with images that nobody judged, for formats that list judgments alone.

    Raises:
        FieldguideError: there is one.
    """
    unjudged = [pool.subtopic_id for pool in collection.pools if None in pool.labels.values()]
    if unjudged:
        what = f"{len(unjudged)} pools have images without a label, the first {unjudged[0]}"
        raise FieldguideError(f"{collection.name}: {what}; beir and trec cannot hold them: export it as csv")
