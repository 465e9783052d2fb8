"""A generator of images: noise around the colour that a prompt names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fieldguide.core.files import content_key
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.loading.protocols import Refused

KIND = "swatch"
COLOURS = {"red": (200, 30, 40), "green": (90, 160, 50), "orange": (240, 140, 20), "granny": (110, 180, 60)}


@GENERATORS.register(KIND, modules=("numpy",), files={})
class Swatch:
    """Draws the first colour among a prompt's words; `size` is an option of its section."""

    def __init__(self, name, spec, root: Path) -> None:
        self.name = name
        self.revision = content_key(kind=KIND, version=1, colours=COLOURS)
        self.settings = {"size": int(spec.model_extra.get("size", 32))}

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        return [self._draw(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]

    def _draw(self, prompt: str, seed: int) -> Image.Image | Refused:
        named = [COLOURS[word] for word in prompt.lower().split() if word in COLOURS]
        if not named:
            return Refused(f"the prompt names no colour of {', '.join(COLOURS)}")
        size = self.settings["size"]
        noise = np.random.default_rng(seed).normal(0, 20, size=(size, size, 3))
        return Image.fromarray(np.clip(noise + named[0], 0, 255).astype(np.uint8))
