"""Images and texts by any OpenCLIP model that lies in a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fieldguide import params
from fieldguide.errors import FieldguideError
from fieldguide.files import content_key, read_json, sha256_file
from fieldguide.models._torchvision import declare_operators
from fieldguide.models.parallel import each
from fieldguide.models.protocols import Modality, Vectors, unit_rows
from fieldguide.models.registry import ENCODERS

KIND = "open_clip"
_CONFIG, _WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
# The tokenizer's files count too; pickled copies of the weights do not, they are never read.
_READ = {".json", ".txt", ".model", ".safetensors"}
_VERSION = 1


@ENCODERS.register(
    KIND,
    modules=("torch", "torchvision", "open_clip", "safetensors"),
    files={"weights": (_CONFIG, _WEIGHTS)},
    modalities=("image", "text"),
)
class OpenCLIP:
    """A folder as OpenCLIP publishes its models: `open_clip_config.json` and `open_clip_model.safetensors`.

    A model whose texts need a tokenizer of transformers has its files in the same folder. Nothing is fetched.
    """

    modalities: frozenset[Modality] = frozenset({"image", "text"})

    def __init__(self, name: str, spec: params.Encoder, root: Path) -> None:
        self.name = name
        self._folder = root / (spec.weights or "")
        config = read_json(self._folder / _CONFIG)
        try:
            self.dimension = int(config["model_cfg"]["embed_dim"])
        except (KeyError, TypeError, ValueError):
            raise FieldguideError(
                f"{self._folder / _CONFIG}: model_cfg.embed_dim is missing; expected a model as OpenCLIP publishes it"
            ) from None
        # All of the folder but pickled copies of the weights, which are never read: tokenizer files count too.
        files = sorted(
            p for p in self._folder.iterdir() if p.is_file() and p.suffix in {".json", ".txt", ".safetensors"}
        )
        self.revision = content_key(kind=KIND, version=_VERSION, files={p.name: sha256_file(p) for p in files})
        self._loaded: tuple[Any, Any, Any] | None = None

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """See `Encoder`."""
        import torch

        model, transform, _ = self._load()

        def encode(image: Image.Image) -> Any:
            with torch.inference_mode():
                return model.encode_image(transform(image.convert("RGB"))[None])[0].numpy()

        return self._unit(each(encode, images))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        import torch

        model, _, tokenize = self._load()

        def encode(text: str) -> Any:
            with torch.inference_mode():
                return model.encode_text(tokenize([text]))[0].numpy()

        return self._unit(each(encode, texts))

    def _unit(self, rows: Sequence[Any]) -> Vectors:
        return unit_rows(np.asarray(rows, dtype=np.float32).reshape(len(rows), self.dimension))

    def _load(self) -> tuple[Any, Any, Any]:
        if self._loaded is None:
            declare_operators()
            import open_clip

            where = f"local-dir:{self._folder}"
            # Of all checkpoints in a folder open_clip prefers open_clip_model.safetensors, which is known to be there.
            model, transform = open_clip.create_model_from_pretrained(where, precision="fp32", weights_only=True)
            self._loaded = model.eval(), transform, open_clip.get_tokenizer(where)
        return self._loaded
