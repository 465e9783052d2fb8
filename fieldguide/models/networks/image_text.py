"""Networks of transformers that write a text about images: captioners, and models with a chat template."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.pretrained import load_network, load_processor


class ImageTextNetwork:
    """A folder with safetensors, loaded when it is first asked; read greedily, so that the same inputs say the same.

    Attributes:
        folder: of the network.
        files: sha256 of every file that it is loaded from, by name.

    Raises:
        FieldguideError: the folder has no safetensors.
    """

    def __init__(self, folder: Path, compute: Compute) -> None:
        self.folder, self._compute = folder, compute
        self.files = hub.hashes(folder)
        if not any(file.endswith(".safetensors") for file in self.files):
            raise FieldguideError(f"{folder}: no safetensors here; pickled weights (.bin, .pt) are never read")

    @cached_property
    def processor(self) -> Any:
        """What prepares images and texts, and turns tokens into words."""
        declare_operators()
        from transformers import AutoProcessor

        return load_processor(AutoProcessor, self.folder)

    @cached_property
    def _network(self) -> Any:
        from transformers import AutoModelForImageTextToText

        return self._compute.place(load_network(AutoModelForImageTextToText, self.folder, self._compute.dtype))

    def tokens(self, longest: int, **inputs: Any) -> tuple[Any, int]:
        """(tokens of one input and what follows it, length of the input); at most `longest` follow.

        Args:
            longest: tokens.
            inputs: of the processor: `images`, `text`.
        """
        import torch

        made = self.processor(return_tensors="pt", **inputs).to(self._compute.device, self._compute.dtype)
        with torch.inference_mode():
            tokens = self._network.generate(**made, do_sample=False, num_beams=1, max_new_tokens=longest)
        return tokens, int(made["input_ids"].shape[1]) if "input_ids" in made else 0
