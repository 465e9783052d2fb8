"""Encoders and generators, chosen by name in params.yaml."""

from __future__ import annotations

from pathlib import Path

from fieldguide.models.protocols import Encoder, Generator, Modality, Refused
from fieldguide.models.registry import ENCODERS, GENERATORS, Availability, available_kinds
from fieldguide.params.encoders import EncoderSection
from fieldguide.params.generators import Generator as GeneratorSection

__all__ = [
    "ENCODERS",
    "GENERATORS",
    "Availability",
    "Encoder",
    "Generator",
    "Modality",
    "Refused",
    "available_kinds",
    "load_encoder",
    "load_generator",
]


def load_encoder(name: str, spec: EncoderSection, root: Path = Path()) -> Encoder:
    """The encoder `encoders.NAME` of params.yaml; paths are relative to `root`.

    Raises:
        FieldguideError: unknown kind, or (ProblemsError) all packages, keys and files that are missing.
    """
    return ENCODERS.load(name, spec, root)


def load_generator(name: str, spec: GeneratorSection, root: Path = Path()) -> Generator:
    """The generator `generators.NAME` of params.yaml; paths are relative to `root`. Raises as `load_encoder`."""
    return GENERATORS.load(name, spec, root)
