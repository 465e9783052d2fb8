"""Kinds of captioners, and the one of a section of params.yaml."""

from __future__ import annotations

from pathlib import Path

from fieldguide.models.captioners.section import AnyCaptioner
from fieldguide.models.loading.protocols import Captioner
from fieldguide.models.loading.registry import Registry

CAPTIONERS: Registry[AnyCaptioner, Captioner] = Registry("captioner", "fieldguide.models.captioners")


def load_captioner(name: str, spec: AnyCaptioner, root: Path = Path()) -> Captioner:
    """The captioner `captioners.NAME` of params.yaml; paths are relative to `root`.

    Raises:
        FieldguideError: unknown kind, or (ProblemsError) all packages, keys and files that are missing.
    """
    return CAPTIONERS.load(name, spec, root)
