"""Images by DINOv2 (Oquab et al., arXiv 2304.07193), with or without registers (Darcet et al., arXiv 2309.16588)."""

from __future__ import annotations

from typing import Any

from fieldguide.models.encoders.pretrained import FILES, PretrainedEncoder
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.loading.protocols import Modality
from fieldguide.models.networks.pretrained import MODULES

KIND = "dinov2"


@ENCODERS.register(KIND, modules=MODULES, files=FILES, modalities=("image",))
class DINOv2(PretrainedEncoder):
    """The class token after the last normalisation. Encodes no texts."""

    kind = KIND
    modalities: frozenset[Modality] = frozenset({"image"})
    types = ("dinov2", "dinov2_with_registers")
    dimension_keys = ("hidden_size",)

    def _embed_images(self, inputs: dict[str, Any]) -> Any:
        return self.loaded.network(**inputs).pooler_output
