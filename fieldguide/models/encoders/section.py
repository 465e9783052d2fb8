"""Sections of encoders: one class a kind. What encodes is in fieldguide/models/encoders/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from fieldguide.core.plugins import by_kind, offered_kind, tag_by_kind
from fieldguide.core.section import Positive, Section

GROUP = "fieldguide.encoders"
"""Entry points by which other packages offer kinds of encoders."""

Channels = tuple[float, float, float]
Pixels = Annotated[int, Field(strict=True, ge=1, le=8192)]


class EncoderSection(Section):
    """What the section of every encoder holds. `dtype` is that of the stored vectors, not of the computation."""

    kind: str
    dtype: Literal["float16", "float32"] = "float16"


class MobileNetV2Encoder(EncoderSection):
    """The example's image encoder: a safetensors file in `weights`."""

    kind: Literal["mobilenetv2"]
    weights: Path


class ConSEEncoder(EncoderSection):
    """The example's text-to-image space without training: MobileNetV2's `weights`, a sentence encoder in `text`."""

    kind: Literal["conse"]
    weights: Path
    text: Path


class TextTowerEncoder(EncoderSection):
    """The example's trained space: MobileNetV2's `weights`, a sentence encoder in `text`, the trained `tower`."""

    kind: Literal["text-tower"]
    weights: Path
    text: Path
    tower: Path


class _Computed(EncoderSection):
    """How a network computes.

    Attributes:
        precision: of weights and computation.
        device: `auto` takes cuda where there is one, then mps, then cpu. Vectors of another kind of device differ in
            their last bits, so it is part of the encoder's revision: what was encoded on one is not mixed with what
            was encoded on another.
        batch: images or texts in one forward pass, always just so many (a smaller rest is filled up), so that the
            same kernels compute them and a vector depends on its input alone, bit for bit. For sure with 1; with more,
            where kernels treat all rows of a batch alike, as they do where widths are multiples of 32. 8 is enough on
            a CPU; take what fits on an accelerator.
    """

    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    batch: Positive = 8


class _Published(_Computed):
    """A folder with the weights as safetensors, or a repository of the Hugging Face hub.

    Attributes:
        weights: the folder.
        hub: the repository, OWNER/NAME; taken from this machine's hub cache, or fetched unless HF_HUB_OFFLINE is 1.
        hub_revision: its commit, tag or branch.
    """

    weights: Path | None = None
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    hub_revision: Annotated[str, Field(pattern=r"^[\w./-]+$")] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> _Published:
        given = [name for name in self._sources() if getattr(self, name) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            raise ValueError(f"needs one of {', '.join(self._sources())}; it has {said}")
        if self.hub_revision is not None and self.weights is not None:
            raise ValueError("hub_revision has a meaning only for a repository of the hub")
        return self

    @classmethod
    def _sources(cls) -> tuple[str, ...]:
        return ("weights", "hub")


class OpenCLIPEncoder(_Published):
    """Any model of OpenCLIP: a folder, a repository, or `architecture` and `tag` of `open_clip.list_pretrained`."""

    kind: Literal["open_clip"]
    architecture: str | None = None
    tag: str | None = None

    @model_validator(mode="after")
    def _architecture_has_a_tag(self) -> OpenCLIPEncoder:
        if (self.architecture is None) != (self.tag is None):
            raise ValueError("architecture and tag belong together, such as ViT-B-32 and laion2b_s34b_b79k")
        return self

    @classmethod
    def _sources(cls) -> tuple[str, ...]:
        return ("weights", "hub", "architecture")


class CLIPEncoder(_Published):
    """CLIP by transformers (Radford et al., arXiv 2103.00020)."""

    kind: Literal["clip"]


class SigLIPEncoder(_Published):
    """SigLIP or SigLIP 2 by transformers (Zhai et al., arXiv 2303.15343; Tschannen et al., arXiv 2502.14786)."""

    kind: Literal["siglip"]


class DINOv2Encoder(_Published):
    """DINOv2 by transformers (Oquab et al., arXiv 2304.07193): images only."""

    kind: Literal["dinov2"]


class E5VEncoder(_Published):
    """E5-V or another LLaVA-NeXT (Jiang et al., arXiv 2407.12580). `batch` is 1: its inputs differ in length."""

    kind: Literal["e5-v"]
    batch: Literal[1] = 1


class SentenceTransformersEncoder(_Published):
    """Any model that the library sentence-transformers loads without code of the model's own.

    Attributes:
        batch: is 1: inputs differ in length.
        query_prompt: said before each text, captions too; the model's own default prompt where it is null. Images
            always have that one.
        dimension: how many of a vector's first numbers are kept, for models trained so that these suffice (Matryoshka,
            Kusupati et al., arXiv 2205.13147); all where it is null.
    """

    kind: Literal["sentence-transformers"]
    batch: Literal[1] = 1
    query_prompt: str | None = None
    dimension: Positive | None = None


class ONNXEncoder(_Computed):
    """Any image encoder as one ONNX file with the weights in it: (n, 3, size, size) to (n, dimension).

    Attributes:
        weights: the file.
        output: name of the output that holds the vectors; the first where it is null.
        size: side of the network's square input, in pixels.
        resize: shorter side before the centre is cut out; `size` where it is null.
        interpolation: of that resizing.
        batch: 1 unless the file was exported for more.
        mean, std: of each channel, for values from 0 to 1.
    """

    kind: Literal["onnx"]
    weights: Path
    output: str | None = None
    size: Pixels = 224
    resize: Pixels | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    mean: Channels = (0.485, 0.456, 0.406)
    std: Channels = (0.229, 0.224, 0.225)
    precision: Literal["fp32"] = "fp32"
    batch: Positive = 1
    device: Literal["cpu", "cuda"] = "cpu"

    @model_validator(mode="after")
    def _fits(self) -> ONNXEncoder:
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize is {self.resize}; it has to be at least size ({self.size})")
        if min(self.std) <= 0:
            raise ValueError("std has to be greater than 0")
        return self


class PluginEncoder(EncoderSection):
    """An encoder of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    weights: Path | None = None

    _kind_is_offered = offered_kind(GROUP, lambda: BUILTIN)


BUILTIN: dict[str, type[EncoderSection]] = by_kind(
    MobileNetV2Encoder,
    ConSEEncoder,
    TextTowerEncoder,
    OpenCLIPEncoder,
    CLIPEncoder,
    SigLIPEncoder,
    DINOv2Encoder,
    E5VEncoder,
    SentenceTransformersEncoder,
    ONNXEncoder,
)


AnyEncoder = Annotated[
    Annotated[MobileNetV2Encoder, Tag("mobilenetv2")]
    | Annotated[ConSEEncoder, Tag("conse")]
    | Annotated[TextTowerEncoder, Tag("text-tower")]
    | Annotated[OpenCLIPEncoder, Tag("open_clip")]
    | Annotated[CLIPEncoder, Tag("clip")]
    | Annotated[SigLIPEncoder, Tag("siglip")]
    | Annotated[DINOv2Encoder, Tag("dinov2")]
    | Annotated[E5VEncoder, Tag("e5-v")]
    | Annotated[SentenceTransformersEncoder, Tag("sentence-transformers")]
    | Annotated[ONNXEncoder, Tag("onnx")]
    | Annotated[PluginEncoder, Tag("plugin")],
    Discriminator(tag_by_kind(BUILTIN)),
]
