"""What of the benchmark a system has seen before it ranks a query: from its section and from those that it names."""

from __future__ import annotations

from fieldguide.models.encoders.section import PluginEncoder, TextTowerEncoder
from fieldguide.models.generators.section import FlowMatchingGenerator, IPAdapterGenerator, PluginGenerator
from fieldguide.params.document import Params
from fieldguide.retrieval.systems.sections.baselines import RunSystem
from fieldguide.retrieval.systems.sections.cletir import CletirSystem
from fieldguide.retrieval.systems.sections.ranking import DrawingSection, RankingSection
from fieldguide.retrieval.systems.sections.systems import PluginSystem

SEEN = {
    "photographs": "photographs of the train split",
    "queries": "all test queries together",
    "gallery": "the gallery's mean",
    "unknown": "made elsewhere: not known",
}
"""What a system may have seen, in words; nothing of it: neither what it is made of was trained here, nor is it centred.
What a model from elsewhere was trained on is not recorded."""


_TRAINED_HERE = (TextTowerEncoder, FlowMatchingGenerator, IPAdapterGenerator)
"""What is trained on the train split, or looks at its photographs."""
_FROM_ELSEWHERE = (RunSystem, PluginSystem, PluginEncoder, PluginGenerator)


def seen(params: Params, system: str) -> tuple[str, ...]:
    """Keys of SEEN, in its order.

    Args:
        params: the whole of params.yaml.
        system: a name in `systems`.
    """
    found = {key for _, section in params.systems[system].walk(system) for key in _seen(params, section)}
    return tuple(key for key in SEEN if key in found)


def _seen(params: Params, section: RankingSection) -> set[str]:
    found: set[str] = set()
    parts: list[object] = [section, *(params.encoders[name] for name in section.encoders.values())]
    if section.drawings > 0:
        parts.append(params.generator)
    if any(isinstance(part, _TRAINED_HERE) for part in parts) or (isinstance(section, CletirSystem) and section.learns):
        found.add("photographs")
    if isinstance(section, DrawingSection) and section.centre != "none":
        found.add("gallery")
        if section.centre != "generic" or section.reach is not None:  # a mean of the topics' drawings
            found.add("queries")
    if any(isinstance(part, _FROM_ELSEWHERE) for part in parts):
        found.add("unknown")
    return found
