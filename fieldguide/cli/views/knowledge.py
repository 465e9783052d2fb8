"""What `fieldguide knowledge check` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fieldguide.cli.views.evaluate import plain_text
from fieldguide.core.english import counted
from fieldguide.queries.knowledge.records import Knowledge
from fieldguide.queries.topics.section import Compose
from fieldguide.queries.topics.sheet import examples, sheet

_NAMED = 60


def lines(knowledge: Knowledge, section: Compose, count: int) -> Iterator[str]:
    """Names as sentences hold them, up to `count` questions of each form, and why others cannot be put."""
    yield (
        f"{counted(len(knowledge.entities), 'entity', 'entities')}, {counted(len(knowledge.attributes), 'attribute')} "
        f"of {counted(len({row.feature for row in knowledge.attributes}), 'feature')}: no mistake found"
    )
    nouns = [entity.noun for entity in knowledge.entities.values()]
    named = [f"{noun.said} (plural)" if noun.plural else noun.said for noun in nouns]
    yield f"in sentences: {plain_text(', '.join(named[:_NAMED]))}{', ...' if len(named) > _NAMED else ''}"
    found, refused = sheet(knowledge, section.forms, section.seed)
    if not found:
        yield "no question can be put: no two entities with a common `taxonomy` have values that could be compared"
    for form, chosen in examples(found, count).items():
        yield f"\n{form}"
        yield from (plain_text(f"  {candidate.text} [{candidate.answer}]") for candidate in chosen)
    reasons = Counter(refusal.reason for refusal in refused)
    if reasons:
        yield "\nnot put"
    for reason, number in sorted(reasons.items()):
        first = next(refusal for refusal in refused if refusal.reason == reason)
        yield plain_text(f"  {reason}: {number}, such as {first.what}: {first.detail}")
