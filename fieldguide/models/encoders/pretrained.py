"""What encoders by transformers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, read_json
from fieldguide.models.encoders.network import NetworkEncoder
from fieldguide.models.encoders.section import CLIPEncoder, DINOv2Encoder, E5VEncoder, SigLIPEncoder
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute, Inputs
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.pretrained import CONFIG, load_network, load_processor, load_tokenizer

FILES = {"weights": (CONFIG,)}
_PATTERNS = ("*.json", "*.txt", "*.model", "model*.safetensors")
_VERSION = 1

Section = CLIPEncoder | SigLIPEncoder | DINOv2Encoder | E5VEncoder


class Loaded(NamedTuple):
    """The network on its device, what prepares images for it, and its tokenizer if it has one."""

    network: Any
    images: Any
    tokens: Any


class PretrainedEncoder(NetworkEncoder):
    """A model of transformers.

    Attributes:
        types: `model_type` of config.json that this kind can be.
        dimension_keys: where config.json has the length of a vector.
    """

    types: tuple[str, ...]
    dimension_keys: tuple[str, ...]

    def __init__(self, name: str, spec: Section, root: Path) -> None:
        self.folder = hub.folder(spec, root, _PATTERNS)
        self._check_type()
        compute = Compute.of(name, spec)
        files = hub.hashes(self.folder)
        if not any(file.endswith(".safetensors") for file in files):
            raise FieldguideError(f"{self.folder}: no safetensors here; pickled weights (.bin, .pt) are never read")
        revision = content_key(kind=self.kind, version=_VERSION, files=files, **compute.key)
        super().__init__(name, compute, self._dimension(), revision)

    def prepare_image(self, image: Image.Image) -> Inputs:
        """See `NetworkEncoder`."""
        made = self.loaded.images(images=image.convert("RGB"), return_tensors="pt")
        return {name: value[0] for name, value in made.items()}

    def _load(self) -> Loaded:
        declare_operators()
        from transformers import AutoImageProcessor, AutoModel

        network = self.compute.place(load_network(AutoModel, self.folder, self.compute.dtype))
        images = load_processor(AutoImageProcessor, self.folder)
        tokens = load_tokenizer(self.folder) if "text" in self.modalities else None
        return Loaded(network, images, tokens)

    @property
    def _config(self) -> dict[str, Any]:
        config = read_json(self.folder / CONFIG)
        return config if isinstance(config, dict) else {}

    def _check_type(self) -> None:
        found = self._config.get("model_type")
        if found not in self.types:
            raise FieldguideError(
                f"{self.folder / CONFIG}: model_type is {found!r}; kind {self.kind} loads {', '.join(self.types)}"
            )

    def _dimension(self) -> int:
        declare_operators()
        from transformers import AutoConfig

        value: Any = AutoConfig.from_pretrained(self.folder, local_files_only=True, trust_remote_code=False)
        for key in self.dimension_keys:
            value = getattr(value, key)
        return int(value)
