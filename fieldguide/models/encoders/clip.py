"""Images and texts by CLIP as transformers has it (Radford et al., arXiv 2103.00020)."""

from __future__ import annotations

from typing import Any

from fieldguide.models.encoders.pretrained import FILES, PretrainedEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.loading.compute import Inputs
from fieldguide.models.networks.pretrained import MODULES

KIND = "clip"


@ENCODERS.register(KIND, modules=MODULES, files=FILES, modalities=("image", "text"))
class CLIP(PretrainedEncoder):
    """The projected features of CLIP's two towers. Texts beyond its context (77 tokens) are cut."""

    kind = KIND
    types = ("clip",)
    dimension_keys = ("projection_dim",)

    def _prepare_text(self, text: str) -> Inputs:
        # Filled up to the full context: one shape for all texts, and what follows the end token counts for nothing.
        length = self.loaded.network.config.text_config.max_position_embeddings
        made = self.loaded.tokens(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        return {name: made[name][0] for name in ("input_ids", "attention_mask")}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.get_image_features(**inputs).pooler_output

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.get_text_features(**inputs).pooler_output
