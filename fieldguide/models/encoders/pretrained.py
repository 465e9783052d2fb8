"""What encoders by transformers share: a folder that `save_pretrained` wrote, loaded whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, read_json
from fieldguide.models import hub
from fieldguide.models._torchvision import declare_operators
from fieldguide.models.compute import Compute, Inputs
from fieldguide.models.encoders.network import NetworkEncoder
from fieldguide.models.encoders.section import CLIPEncoder, DINOv2Encoder, E5VEncoder, SigLIPEncoder

CONFIG = "config.json"
MODULES = ("torch", "torchvision", "transformers", "safetensors")
FILES = {"weights": (CONFIG,)}
_PATTERNS = ("*.json", "*.txt", "*.model", "model*.safetensors")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "spiece.model", "tokenizer.model")
_VERSION = 1

# Nothing is fetched here (hub.folder does that), and no code of the folder is run.
OFFLINE = {"local_files_only": True, "trust_remote_code": False}

Section = CLIPEncoder | SigLIPEncoder | DINOv2Encoder | E5VEncoder


class Loaded(NamedTuple):
    """The network on its device, what prepares images for it, and its tokenizer if it has one."""

    network: Any
    images: Any
    tokens: Any


def load_network(model_class: Any, folder: Path, dtype: Any) -> Any:
    """The network of a folder.

    Raises:
        FieldguideError: the weights do not load, or some of the network's are not among them: transformers would draw
            those at random.
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        network, found = model_class.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, dtype=dtype, **OFFLINE
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise FieldguideError(f"{folder}: transformers cannot load this model: {error}") from None
    lost = sorted(found["missing_keys"])
    if lost:
        shown = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        raise FieldguideError(f"{folder}: the weights lack {shown}; they are of another model than {CONFIG} says")
    return network


def load_processor(processor_class: Any, folder: Path) -> Any:
    """What prepares images or texts for a folder's network.

    Raises:
        FieldguideError: the folder lacks its files (preprocessor_config.json or processor_config.json; a tokenizer's).
    """
    try:
        return processor_class.from_pretrained(folder, **OFFLINE)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FieldguideError(f"{folder}: {processor_class.__name__} of transformers cannot load: {reason}") from None


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder.

    Raises:
        FieldguideError: the folder has none: transformers would make one that knows no words.
    """
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise FieldguideError(f"{folder}: no tokenizer here; expected one of {', '.join(_VOCABULARIES)}")
    return load_processor(AutoTokenizer, folder)


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
