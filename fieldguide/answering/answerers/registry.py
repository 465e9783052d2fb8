"""Kinds of answerers, and the one of a section of params.yaml."""

from __future__ import annotations

from pathlib import Path

from fieldguide.answering.answerers.section import AnyAnswerer
from fieldguide.answering.question import Answerer
from fieldguide.models.loading.registry import Registry

ANSWERERS: Registry[AnyAnswerer, Answerer] = Registry("answerer", "fieldguide.answering.answerers")


def load_answerer(name: str, spec: AnyAnswerer, root: Path = Path()) -> Answerer:
    """The answerer `answerers.NAME` of params.yaml; paths are relative to `root`.

    Raises:
        FieldguideError: unknown kind, or (ProblemsError) all packages, keys and files that are missing.
    """
    return ANSWERERS.load(name, spec, root)
