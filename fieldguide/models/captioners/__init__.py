"""Images in words: captioners, chosen by name in params.yaml, one file a provider."""

from __future__ import annotations

from pathlib import Path

from fieldguide.models.captioners import chat, classes, image_to_text
from fieldguide.models.protocols import Captioner
from fieldguide.models.registry import CAPTIONERS
from fieldguide.params.captions import Captioner as CaptionerSection

__all__ = ["CAPTIONERS", "Captioner", "chat", "classes", "image_to_text", "load_captioner"]


def load_captioner(name: str, spec: CaptionerSection, root: Path = Path()) -> Captioner:
    """The captioner `captioners.NAME` of params.yaml; paths are relative to `root`.

    Raises:
        FieldguideError: unknown kind, or (ProblemsError) all packages, keys and files that are missing.
    """
    return CAPTIONERS.load(name, spec, root)
