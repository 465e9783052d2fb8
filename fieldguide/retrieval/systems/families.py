"""Ready sets of systems, by the names of the encoders that a benchmark has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Family = Literal["baselines", "decompose", "visret", "cletir"]


def encodes_texts(section: Any) -> bool:
    """Whether an encoder of that section, as params.yaml holds it, is of a kind that encodes texts."""
    from fieldguide.models.encoders.registry import ENCODERS  # loads all kinds: only where somebody asks

    return isinstance(section, Mapping) and ENCODERS.encodes(str(section.get("kind")), "text")


def family_systems(families: Iterable[object], encoders: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sections of all systems of some families, as params.yaml would hold them; a family that is unknown has none.

    Args:
        families: names of `Family`.
        encoders: the sections of the encoders in use, by name: texts are encoded by the first that can, and drawings
            by the first of all.
    """
    text = next((name for name, section in encoders.items() if encodes_texts(section)), None)
    image = next(iter(encoders), None)
    # The paper's way (arXiv 2505.20291), and with each domain's mean taken off (docs/decisions/0006).
    visret = {
        "visret": {"kind": "visret", "encoder": image, "preset": "paper"},
        "visret-centred": {"kind": "visret", "encoder": image, "fusion": "mean", "centre": "topics"},
    }
    cletir = {"kind": "cletir", "encoder": image, "text_encoder": text, "centre": "topics", "network": "cletir"}
    known: dict[str, dict[str, dict[str, Any]]] = {
        "baselines": {
            "random": {"kind": "random", "seed": 1},
            "file-order": {"kind": "file-order"},
            "text": {"kind": "text", "encoder": text, "query": "question"},
            "phrase": {"kind": "text", "encoder": text, "query": "phrase"},
        },
        "decompose": {"decompose": {"kind": "decompose", "encoder": text, "combine": "logic"}},
        "visret": visret,
        "cletir": {"cletir": cletir, "cletir-average": {**cletir, "aggregation": "average"}},
    }
    return {name: section for family in map(str, families) for name, section in known.get(family, {}).items()}
