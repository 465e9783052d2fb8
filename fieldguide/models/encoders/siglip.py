"""Images and texts by SigLIP (Zhai et al., arXiv 2303.15343) and SigLIP 2 (Tschannen et al., arXiv 2502.14786)."""

from __future__ import annotations

from typing import Any

from fieldguide.models.encoders.pretrained import FILES, PretrainedEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.loading.compute import Inputs
from fieldguide.models.networks.pretrained import MODULES

KIND = "siglip"


@ENCODERS.register(KIND, modules=MODULES, files=FILES, modalities=("image", "text"))
class SigLIP(PretrainedEncoder):
    """The pooled features of SigLIP's two towers, with fixed (model_type siglip) or native resolution (siglip2).

    Texts are filled up to the full context without a mask, as in training, and cut beyond it (64 tokens).
    """

    kind = KIND
    types = ("siglip", "siglip2")
    dimension_keys = ("text_config", "projection_size")

    def _prepare_text(self, text: str) -> Inputs:
        length = self.loaded.network.config.text_config.max_position_embeddings
        made = self.loaded.tokens(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        return {"input_ids": made["input_ids"][0]}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.get_image_features(**inputs).pooler_output

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.get_text_features(**inputs).pooler_output
