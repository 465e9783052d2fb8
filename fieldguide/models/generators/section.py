"""Sections of generators: one class a kind. What draws is in fieldguide/models/generators/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from fieldguide.core.plugins import by_kind, offered_kind, tag_by_kind
from fieldguide.core.section import Positive, Section
from fieldguide.models.calls.section import Endpoint

GROUP = "fieldguide.generators"
"""Entry points by which other packages offer kinds of generators."""

Pixels = Annotated[int, Field(strict=True, ge=8, le=8192, multiple_of=8)]
Guidance = Annotated[float, Field(strict=True, ge=0)]


class FlowMatchingGenerator(Section):
    """The example's own: weights in `path`, the sentence encoder that it was trained with in `text`."""

    kind: Literal["flow-matching"]
    path: Path
    text: Path
    steps: Positive = 20
    guidance: Guidance = 3.0

    @property
    def description(self) -> str:
        """How it draws, for the report."""
        return f"{self.steps} steps, guidance {self.guidance:g}"


class Pipeline(Section):
    """A pipeline of diffusers.

    Attributes:
        path: a folder that `save_pretrained` wrote, with safetensors.
        hub: instead of it, a repository of the Hugging Face hub, OWNER/NAME; taken from this machine's hub cache, or
            fetched unless HF_HUB_OFFLINE is 1.
        hub_revision: its commit, tag or branch.
        steps: of the sampler; SDXL-Turbo and FLUX schnell: 1 to 4.
        guidance: of the text; SDXL-Turbo and FLUX schnell: 0.
        width, height: in pixels; the pipeline's own where they are null.
        negative: what not to draw; empty: nothing said. Not every pipeline takes it.
        precision: of weights and computation.
        device: `auto` takes cuda where there is one, then mps, then cpu.
        offload: `model` keeps on the accelerator only the part that computes; for models larger than its memory.
    """

    path: Path | None = None
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    hub_revision: Annotated[str, Field(pattern=r"^[\w./-]+$")] | None = None
    steps: Positive = 20
    guidance: Guidance = 3.0
    width: Pixels | None = None
    height: Pixels | None = None
    negative: str = ""
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    offload: Literal["none", "model"] = "none"

    @model_validator(mode="after")
    def _has_one_source(self) -> Pipeline:
        given = [name for name in ("path", "hub") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs one of path, hub; it has {' and '.join(given) or 'none'}")
        if self.hub_revision is not None and self.hub is None:
            raise ValueError("hub_revision has a meaning only for a repository of the hub")
        return self

    @property
    def description(self) -> str:
        """How it draws, for the report."""
        size = f"{self.width or '?'} x {self.height or '?'} pixels" if self.width or self.height else ""
        negative = f"without {self.negative!r}" if self.negative else ""
        said = (f"{self.steps} steps", f"guidance {self.guidance:g}", size, negative, self.precision)
        return ", ".join(filter(None, said))


class DiffusersGenerator(Pipeline):
    """Any text-to-image pipeline of diffusers: Stable Diffusion 1 to 3.5, SDXL, SDXL-Turbo, FLUX and others.

    Attributes:
        batch: drawings made together. With 1 a drawing does not depend on the others, bit for bit. More is faster on
            an accelerator, but then its last bits may depend on what is drawn beside it.
    """

    kind: Literal["diffusers"]
    batch: Positive = 1


class IPAdapterGenerator(Pipeline):
    """A pipeline of Stable Diffusion or SDXL that also looks at reference photographs of the entity (IP-Adapter).

    Attributes:
        adapter: the adapter's folder; the image encoder lies in its `image_encoder`.
        adapter_weights: a safetensors file in it.
        scale: weight of the photographs; 0 draws by the text alone.
        references: photographs an entity, of the train split: those of the gallery would give the answer away.
    """

    kind: Literal["ip-adapter"]
    adapter: Path
    adapter_weights: str = "ip-adapter.safetensors"
    scale: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.6
    references: Annotated[int, Field(strict=True, ge=1, le=16)] = 4

    @property
    def description(self) -> str:
        """How it draws, for the report."""
        return f"{super().description}, after up to {self.references} photographs of the entity, scale {self.scale:g}"

    @field_validator("adapter_weights")
    @classmethod
    def _is_never_pickle(cls, value: str) -> str:
        if Path(value).name != value or not value.endswith(".safetensors"):
            raise ValueError("has to be the name of a .safetensors file; pickled weights (.bin, .pt) are never read")
        return value


class OpenAIImagesGenerator(Endpoint):
    """The OpenAI images API and its compatibles: one call a drawing, asked once and kept for good.

    Attributes:
        size: WIDTHxHEIGHT, or auto.
        quality: as the endpoint names it (gpt-image-1: low, medium, high); null: not sent.
        response_format: `b64_json` for models that would send an address otherwise (dall-e-3 and some compatibles);
            gpt-image-1 refuses the key. Addresses are never followed.
        send_seed: send each drawing's seed, for compatibles that know it. The API itself has no seeds.
        options: what else is sent, by the endpoint's own names, such as `background` or `num_inference_steps`.
        image_tokens: that one image counts for, at most; keeps a call's price within bounds.
    """

    kind: Literal["openai-images"]
    size: Annotated[str, Field(pattern=r"^(auto|[1-9][0-9]{0,3}x[1-9][0-9]{0,3})$")] = "1024x1024"
    quality: str | None = None
    response_format: Literal["b64_json"] | None = None
    send_seed: bool = False
    options: dict[str, str | int | float | bool] = Field(default={})
    image_tokens: Positive = 6240
    timeout: Annotated[float, Field(strict=True, gt=0, le=3600)] = 180.0

    @field_validator("options")
    @classmethod
    def _says_nothing_twice(cls, value: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        own = {"model", "prompt", "n", "size", "quality", "response_format", "seed", "stream"}
        if twice := sorted(own & value.keys()):
            raise ValueError(f"holds {', '.join(twice)}; those have keys of their own, or are fixed")
        return value

    @property
    def description(self) -> str:
        """How it draws, for the report."""
        quality = f"quality {self.quality}" if self.quality else ""
        options = (f"{name}: {value}" for name, value in self.options.items())
        return ", ".join(filter(None, (self.model, self.size, quality, *options)))


class PluginGenerator(Section):
    """A generator of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    kind: str
    path: Path | None = None

    _kind_is_offered = offered_kind(GROUP, lambda: BUILTIN)

    @property
    def description(self) -> str:
        """How it draws, for the report."""
        return ", ".join(f"{name}: {value}" for name, value in (self.model_extra or {}).items())


BUILTIN: dict[str, type[Section]] = by_kind(
    FlowMatchingGenerator, DiffusersGenerator, IPAdapterGenerator, OpenAIImagesGenerator
)


AnyGenerator = Annotated[
    Annotated[FlowMatchingGenerator, Tag("flow-matching")]
    | Annotated[DiffusersGenerator, Tag("diffusers")]
    | Annotated[IPAdapterGenerator, Tag("ip-adapter")]
    | Annotated[OpenAIImagesGenerator, Tag("openai-images")]
    | Annotated[PluginGenerator, Tag("plugin")],
    Discriminator(tag_by_kind(BUILTIN)),
]
