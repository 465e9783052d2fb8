"""Images and texts by what the library sentence-transformers loads (Reimers and Gurevych, arXiv 1908.10084)."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Literal

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key
from fieldguide.models.encoders.network import NetworkEncoder
from fieldguide.models.encoders.registry import ENCODERS, lacks
from fieldguide.models.encoders.section import SentenceTransformersEncoder
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute, Inputs
from fieldguide.models.loading.protocols import Modality
from fieldguide.models.networks.sentence_transformer import FILES, Composed

KIND = "sentence-transformers"
_VERSION = 1


@ENCODERS.register(
    KIND,
    modules=("torch", "torchvision", "transformers", "sentence_transformers", "safetensors"),
    files={"weights": FILES},
    modalities=("image", "text"),
)
class SentenceTransformers(NetworkEncoder):
    """A folder as sentence-transformers saves it: a network, and modules that make one vector of its output.

    What it encodes is what the library says of the folder. Inputs differ in length, and filling them up would change
    their bits: each is a forward pass of its own.
    """

    kind = KIND

    def __init__(self, name: str, spec: SentenceTransformersEncoder, root: Path) -> None:
        compute = Compute.of(name, spec)
        self._model = Composed(hub.folder(spec, root), compute)
        self.modalities, dimension = self._model.ends()
        if spec.dimension is not None and spec.dimension > dimension:
            raise FieldguideError(
                f"encoders.{name}.dimension is {spec.dimension}; vectors of {self._model.folder} have {dimension}"
            )
        self._query_prompt = spec.query_prompt
        self._preparing = Lock()
        seen = {"kind": KIND, "version": _VERSION, "files": self._model.hashes(), "dimension": spec.dimension}
        # A prompt for texts changes no image: the vectors of photographs stay what they are.
        self.image_revision = content_key(**seen, **compute.key)
        revision = content_key(**seen, **compute.key, query_prompt=spec.query_prompt)
        super().__init__(name, compute, spec.dimension or dimension, revision)

    def prepare_image(self, image: Image.Image) -> Inputs:
        """See `NetworkEncoder`."""
        if "image" not in self.modalities:
            raise lacks(self.name, KIND, "image")
        return self._prepare({"image": image.convert("RGB")}, None)

    def _prepare_text(self, text: str) -> Inputs:
        # Not the bare text: one that looks like the address of an image would be fetched.
        return self._prepare({"text": text}, self._query_prompt)

    def _prepare(self, item: dict[str, Any], prompt: str | None) -> Inputs:
        model = self.loaded
        if prompt is None and model.default_prompt_name is not None:
            prompt = model.prompts[model.default_prompt_name]
        # Tokenizers must not be called from several threads at once.
        with self._preparing:
            made = model.preprocess([item], prompt=prompt)
        return {name: _tensor(value) for name, value in made.items() if name != "modality"}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self._embed(inputs, "image")

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        return self._embed(inputs, "text")

    def _embed(self, inputs: dict[str, Any], modality: Modality) -> Any:
        # The library prepares a batch of one, in which patches of an image have no dimension for the batch: what
        # `Compute` stacks them along is taken off again.
        features = {name: value[0] for name, value in inputs.items()}
        # All that a chat model is given is a message.
        asked: Literal["message"] | Modality = "message" if "message" in self.loaded.modalities else modality
        made = self.loaded({**features, "modality": asked})
        return made["sentence_embedding"][:, : self.dimension]

    def _load(self) -> Any:
        return self._model.load()


def _tensor(value: Any) -> Any:
    """Features are tensors but for the prompt's length, which pooling takes as a tensor too."""
    import torch

    return torch.as_tensor(value).reshape(1) if isinstance(value, int) else value
