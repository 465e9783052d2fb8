"""Images and texts by the two towers of CLIP, SigLIP and SigLIP 2, as transformers has them."""

from __future__ import annotations

from typing import Any

from fieldguide.models.encoders.pretrained import FILES, PretrainedEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.loading.compute import Inputs
from fieldguide.models.networks.pretrained import MODULES


class _TwoTowers(PretrainedEncoder):
    """The pooled features of both towers. Texts beyond the context are cut.

    Texts are filled up to the full context: one shape for all of them.

    Attributes:
        text_inputs: what of a tokenized text its tower is given.
    """

    text_inputs: tuple[str, ...]

    def _prepare_text(self, text: str) -> Inputs:
        length = self.loaded.network.config.text_config.max_position_embeddings
        made = self.loaded.tokens(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        return {name: made[name][0] for name in self.text_inputs}

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.get_image_features(**inputs).pooler_output

    def _embed_texts(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network.get_text_features(**inputs).pooler_output


@ENCODERS.register("clip", modules=MODULES, files=FILES, modalities=("image", "text"))
class CLIP(_TwoTowers):
    """CLIP (Radford et al., arXiv 2103.00020): a context of 77 tokens. What follows the end token is masked."""

    kind = "clip"
    types = ("clip",)
    dimension_keys = ("projection_dim",)
    text_inputs = ("input_ids", "attention_mask")


@ENCODERS.register("siglip", modules=MODULES, files=FILES, modalities=("image", "text"))
class SigLIP(_TwoTowers):
    """SigLIP (Zhai et al., arXiv 2303.15343) and SigLIP 2 (Tschannen et al., arXiv 2502.14786): a context of 64 tokens.

    With fixed (model_type siglip) or native resolution (siglip2). What fills a text up is not masked, as in training.
    """

    kind = "siglip"
    types = ("siglip", "siglip2")
    dimension_keys = ("text_config", "projection_size")
    text_inputs = ("input_ids",)
