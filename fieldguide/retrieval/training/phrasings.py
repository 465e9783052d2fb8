"""The sentences that a photograph is learnt under."""

from __future__ import annotations

from collections.abc import Sequence

_NAMED = (
    "{name}",
    "{name}s",
    "a photo of {name}",
    "a photo of a {name}",
    "a photo of {name}s",
    "many {name}s",
    "a close photo of {name}",
    "what does a {name} look like?",
)
# Drawings are asked for with a part; a model that never read "showing the skin" would take it for another entity.
_PART = ("a photo of {name}, showing the {part}", "the {part} of a {name}")


def phrasings(names: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Sentences about one thing, each once, in a fixed order.

    Args:
        names: what it is called: the name, then its aliases.
        parts: what a sentence may ask to see, such as `skin`.
    """
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(template.format(name=name) for template in _NAMED))
        found.update(dict.fromkeys(t.format(name=name, part=part) for t in _PART for part in parts))
    return list(found)
