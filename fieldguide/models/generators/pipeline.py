"""Any text-to-image pipeline of diffusers that lies in a local folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide import params
from fieldguide.errors import FieldguideError
from fieldguide.files import content_key, sha256_file
from fieldguide.models._torchvision import declare_operators
from fieldguide.models.protocols import Refused
from fieldguide.models.registry import GENERATORS

KIND = "diffusers"
_INDEX = "model_index.json"
# What a pipeline loads from; pickled weights (.bin, .pt, .ckpt) and code are never read, so they do not count.
_READ = {".json", ".txt", ".model", ".safetensors"}
_VERSION = 1


@GENERATORS.register(
    KIND, modules=("torch", "torchvision", "diffusers", "transformers", "safetensors"), files={"path": (_INDEX,)}
)
class DiffusersPipeline:
    """A folder that `save_pretrained` wrote, with safetensors. Nothing is fetched and no code of the folder is run.

    Drawings are made one after another (a pipeline holds the state of its scheduler), each from a random generator of
    its own.
    """

    def __init__(self, name: str, spec: params.Generator, root: Path) -> None:
        self.name = name
        self._folder = root / (spec.path or "")
        files = sorted(p for p in self._folder.rglob("*") if p.is_file() and p.suffix in _READ)
        hashes = {p.relative_to(self._folder).as_posix(): sha256_file(p) for p in files}
        self.revision = content_key(kind=KIND, version=_VERSION, files=hashes)
        self.settings: Mapping[str, float | int | str] = {"steps": spec.steps, "guidance": spec.guidance}
        self._steps, self._guidance = spec.steps, spec.guidance
        self._pipeline: Any = None

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        """See `Generator`. Refuses what the pipeline cannot draw, and what its own safety checker withholds."""
        return [self._draw(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]

    def _draw(self, prompt: str, seed: int) -> Image.Image | Refused:
        import torch

        pipeline = self._load()
        try:
            made = pipeline(
                prompt=prompt,
                num_inference_steps=self._steps,
                guidance_scale=self._guidance,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="pil",
            )
        except (RuntimeError, ValueError) as error:
            return Refused(f"{type(error).__name__}: {error}")
        if any(getattr(made, "nsfw_content_detected", None) or []):
            return Refused("withheld by the pipeline's safety checker")
        return made.images[0].convert("RGB")

    def _load(self) -> Any:
        if self._pipeline is None:
            declare_operators()
            from diffusers import DiffusionPipeline
            from diffusers.utils import logging

            logging.disable_progress_bar()
            try:
                pipeline = DiffusionPipeline.from_pretrained(
                    self._folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
                )
            except (OSError, ValueError) as error:
                raise FieldguideError(
                    f"{self._folder}: diffusers cannot load this pipeline from safetensors: {error}"
                ) from None
            pipeline.set_progress_bar_config(disable=True)
            self._pipeline = pipeline
        return self._pipeline
