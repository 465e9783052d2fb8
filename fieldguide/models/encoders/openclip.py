"""Images and texts by any OpenCLIP model: a local folder, a repository of the hub, or an architecture and its tag."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, read_json
from fieldguide.models.encoders.network import NetworkEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.encoders.section import OpenCLIPEncoder
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute, Inputs
from fieldguide.models.loading.torchvision import declare_operators

KIND = "open_clip"
_CONFIG, _WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
# Repositories often hold the same weights for transformers too, in model.safetensors.
_PATTERNS = ("*.json", "*.txt", "*.model", _WEIGHTS)
_VERSION = 2


class _Loaded(NamedTuple):
    network: Any
    transform: Any
    tokenize: Any


@ENCODERS.register(
    KIND,
    modules=("torch", "torchvision", "open_clip", "safetensors"),
    files={"weights": (_CONFIG, _WEIGHTS)},
    modalities=("image", "text"),
)
class OpenCLIP(NetworkEncoder):
    """A folder as OpenCLIP publishes its models: `open_clip_config.json` and `open_clip_model.safetensors`.

    A model whose texts need a tokenizer of transformers has its files in the same folder.
    """

    kind = KIND

    def __init__(self, name: str, spec: OpenCLIPEncoder, root: Path) -> None:
        self._folder = _folder(name, spec, root)
        config = read_json(self._folder / _CONFIG)
        try:
            dimension = int(config["model_cfg"]["embed_dim"])
        except (KeyError, TypeError, ValueError):
            raise FieldguideError(
                f"{self._folder / _CONFIG}: model_cfg.embed_dim is missing; expected a model as OpenCLIP publishes it"
            ) from None
        compute = Compute.of(name, spec)
        revision = content_key(kind=KIND, version=_VERSION, files=hub.hashes(self._folder), **compute.key)
        super().__init__(name, compute, dimension, revision)

    def prepare_image(self, image: Image.Image) -> Inputs:
        """See `NetworkEncoder`."""
        return {"image": self.loaded.transform(image.convert("RGB"))}

    def _prepare_text(self, text: str) -> Inputs:
        return {"text": self.loaded.tokenize([text])[0]}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.encode_image(inputs["image"])

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.encode_text(inputs["text"])

    def _load(self) -> _Loaded:
        declare_operators()
        import open_clip

        where = f"local-dir:{self._folder}"
        from safetensors import SafetensorError

        # Of all checkpoints in a folder open_clip prefers open_clip_model.safetensors, which is known to be there.
        try:
            network, transform = open_clip.create_model_from_pretrained(where, precision="fp32", weights_only=True)
        except (RuntimeError, ValueError, SafetensorError) as error:
            raise FieldguideError(f"{self._folder}: OpenCLIP cannot load this model: {error}") from None
        return _Loaded(self.compute.place(network), transform, open_clip.get_tokenizer(where))


def _folder(name: str, spec: OpenCLIPEncoder, root: Path) -> Path:
    if spec.architecture is None or spec.tag is None:
        return hub.folder(spec, root, _PATTERNS)
    return hub.snapshot(_published(f"encoders.{name}", spec.architecture, spec.tag, spec.hub_revision), _PATTERNS)


def _published(where: str, architecture: str, tag: str, revision: str | None) -> hub.Repository:
    """The repository of the hub in which OpenCLIP publishes an architecture's tag."""
    declare_operators()
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tags:
        raise FieldguideError(f"{where}.architecture is {architecture!r}; `open_clip.list_models()` lists those known")
    if tag not in tags:
        raise FieldguideError(f"{where}.tag is {tag!r}; {architecture} has {', '.join(tags)}")
    name = str(open_clip.get_pretrained_cfg(architecture, tag).get("hf_hub") or "")
    # A file's name after the repository's means that there is nothing but that (pickled) file.
    if not name.endswith("/"):
        raise FieldguideError(
            f"{where}.tag is {tag!r}, which is published only as a pickled checkpoint; those are never read. "
            "Take another tag, or convert it once and name the folder in `weights`"
        )
    return hub.Repository(name.strip("/"), revision)
