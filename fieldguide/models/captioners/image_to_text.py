"""Captions by models of transformers: BLIP, BLIP-2, GIT and what else its class for images to text loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key
from fieldguide.models.captioners.base import one_line
from fieldguide.models.captioners.registry import CAPTIONERS
from fieldguide.models.captioners.section import ImageToTextCaptioner
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute
from fieldguide.models.loading.parallel import one_thread
from fieldguide.models.loading.protocols import Refused
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.pretrained import CONFIG, MODULES, load_network, load_processor

KIND = "image-to-text"
_VERSION = 1


@CAPTIONERS.register(KIND, modules=MODULES, files={"weights": (CONFIG,)})
class ImageToText:
    """The likeliest words, one after the other (greedy); one image at a time, so that none depends on another."""

    def __init__(self, name: str, spec: ImageToTextCaptioner, root: Path) -> None:
        self.name, self._spec = name, spec
        self._folder = hub.folder(spec, root)
        self._compute = Compute.of(name, spec)
        files = hub.hashes(self._folder)
        if not any(file.endswith(".safetensors") for file in files):
            raise FieldguideError(f"{self._folder}: no safetensors here; pickled weights (.bin, .pt) are never read")
        settings = {"tokens": spec.tokens, **self._compute.key}
        self.revision = content_key(kind=KIND, version=_VERSION, files=files, **settings)
        self._loaded: tuple[Any, Any] | None = None

    def caption(self, images: Sequence[Image.Image]) -> list[str | Refused]:
        """See `Captioner`."""
        with one_thread():
            return [one_line(self._say(image.convert("RGB"))) for image in images]

    def _say(self, image: Image.Image) -> str:
        import torch

        network, processor = self._load()
        inputs = processor(images=image, return_tensors="pt").to(self._compute.device, self._compute.dtype)
        with torch.inference_mode():
            tokens = network.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=self._spec.tokens)
        words: str = processor.batch_decode(tokens, skip_special_tokens=True)[0]
        return words

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            declare_operators()
            from transformers import AutoModelForImageTextToText, AutoProcessor

            network = load_network(AutoModelForImageTextToText, self._folder, self._compute.dtype)
            self._loaded = self._compute.place(network), load_processor(AutoProcessor, self._folder)
        return self._loaded
