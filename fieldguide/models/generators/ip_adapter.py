"""Stable Diffusion and SDXL that look at reference photographs too: IP-Adapter through diffusers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_file
from fieldguide.models.generators.pipeline import INDEX, MODULES, DiffusersPipeline
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.generators.section import IPAdapterGenerator
from fieldguide.models.loading.protocols import Refused

KIND = "ip-adapter"
_ENCODER = ("image_encoder/config.json", "image_encoder/model.safetensors")


@GENERATORS.register(KIND, modules=(*MODULES, "accelerate"), files={"path": (INDEX,), "adapter": _ENCODER})
class IPAdapter(DiffusersPipeline):
    """Generation conditioned on photographs of the entity, Re-Imagen's idea (Chen et al., arXiv 2209.14491).

    The adapter (Ye et al., arXiv 2308.06721) attends to the text and to the photographs separately and adds both:
    Attention(Q, K, V) + scale * Attention(Q, K', V'). What is drawn without photographs is drawn with scale 0, which
    is the pipeline alone.
    """

    def __init__(self, name: str, spec: IPAdapterGenerator, root: Path) -> None:
        self.name = name
        self.references = spec.references
        self._adapter, self._scale = root / spec.adapter, spec.scale
        self._weights = spec.adapter_weights
        files = (self._weights, *_ENCODER)
        missing = self._adapter / self._weights
        if not missing.is_file():
            raise FieldguideError(f"generators.{name}.adapter_weights: {spec.adapter / self._weights}: no such file")
        adapter = {file: sha256_file(self._adapter / file) for file in files}
        self._setup(spec, root, 1, kind=KIND, adapter=adapter)
        self.settings = {**self.settings, "scale": spec.scale}

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        """See `Generator`: by the text alone."""
        self._load().set_ip_adapter_scale(0.0)
        blank = Image.new("RGB", (64, 64))
        return [self._one(prompt, seed, [blank]) for prompt, seed in zip(prompts, seeds, strict=True)]

    def draw_like(
        self, prompts: Sequence[str], seeds: Sequence[int], photographs: Sequence[Sequence[Image.Image]]
    ) -> list[Image.Image | Refused]:
        """See `ConditionedGenerator`."""
        self._load().set_ip_adapter_scale(self._scale)
        wanted = zip(prompts, seeds, photographs, strict=True)
        return [self._one(prompt, seed, shown) for prompt, seed, shown in wanted]

    def _one(self, prompt: str, seed: int, shown: Sequence[Image.Image]) -> Image.Image | Refused:
        if not shown:
            return Refused("there is no reference photograph")
        [drawing] = self._together([(prompt, seed)], ip_adapter_image=[list(shown)])
        return drawing

    def _equip(self, pipeline: Any) -> None:
        if not hasattr(pipeline, "unet") or not hasattr(pipeline, "load_ip_adapter"):
            raise FieldguideError(
                f"{self._folder}: {type(pipeline).__name__} takes no IP-Adapter; Stable Diffusion and SDXL do"
            )
        try:
            pipeline.load_ip_adapter(self._adapter, subfolder="", weight_name=self._weights, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise FieldguideError(
                f"{self._adapter / self._weights}: does not fit {self._folder}: {type(error).__name__}: {error}"
            ) from None
