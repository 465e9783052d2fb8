"""Kinds of encoders, and the one of a section of params.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fieldguide.models.encoders.section import EncoderSection
from fieldguide.models.loading.protocols import Encoder, LacksModalityError, Modality
from fieldguide.models.loading.registry import Registry

ENCODERS: Registry[EncoderSection, Encoder] = Registry("encoder", "fieldguide.models.encoders")


def load_encoder(name: str, spec: EncoderSection, root: Path = Path(), asked: Iterable[str] = ()) -> Encoder:
    """The encoder `encoders.NAME` of params.yaml; paths are relative to `root`.

    Raises:
        FieldguideError: unknown kind, or (ProblemsError) all packages, keys and files that are missing, and those of
            the entities `asked` that it was not trained on.
    """
    return ENCODERS.load(name, spec, root, asked)


def lacks(name: str, kind: str, modality: Modality) -> LacksModalityError:
    """The error of an encoder that is asked for a modality it does not have."""
    return LacksModalityError(name, kind, modality, ENCODERS.able(modality))
