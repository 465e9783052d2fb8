"""What of the benchmark a system has seen before it ranks a query: from its section and from those that it names."""

from __future__ import annotations

from fieldguide.models.encoders.section import TextTowerEncoder
from fieldguide.models.generators.section import FlowMatchingGenerator, IPAdapterGenerator
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
    generator = params.generators[params.visualize.generator]
    drawn_by_trained = section.drawings > 0 and isinstance(generator, FlowMatchingGenerator | IPAdapterGenerator)
    encoders = (params.encoders[name] for name in section.encoders.values())
    trained = any(isinstance(encoder, TextTowerEncoder) for encoder in encoders)
    if drawn_by_trained or trained or (isinstance(section, CletirSystem) and section.learns):
        found.add("photographs")
    if isinstance(section, DrawingSection) and section.centre != "none":
        found.add("gallery")
        if section.centre != "generic" or section.reach is not None:  # a mean of the topics' drawings
            found.add("queries")
    if isinstance(section, RunSystem | PluginSystem):
        found.add("unknown")
    return found
