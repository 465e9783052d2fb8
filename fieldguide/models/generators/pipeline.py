"""Any text-to-image pipeline of diffusers that lies in a local folder."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, read_json, sha256_file
from fieldguide.models.generators.finished import from_pixels
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.generators.section import DiffusersGenerator, Pipeline
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import usable_device
from fieldguide.models.loading.protocols import Refused
from fieldguide.models.loading.torchvision import declare_operators

KIND = "diffusers"
INDEX = "model_index.json"
MODULES = ("torch", "torchvision", "diffusers", "transformers", "safetensors")
# What a pipeline loads from; pickled weights (.bin, .pt, .ckpt) and code are never read, so they do not count.
_READ = {".json", ".txt", ".model", ".safetensors"}
# The same weights once more, rounded or averaged; a pipeline loads them only when told by name.
_VARIANTS = ("*.fp16*.safetensors", "*.bf16*.safetensors", "*.non_ema*.safetensors")
_VERSION = 2

Pair = tuple[str, int]
"""A prompt and its seed."""


@GENERATORS.register(KIND, modules=MODULES, files={"path": (INDEX,)})
class DiffusersPipeline:
    """A folder that `save_pretrained` wrote, with safetensors. Nothing is fetched and no code of the folder is run.

    Stable Diffusion 1 to 3.5, SDXL, SDXL-Turbo, FLUX and whatever else draws from a prompt. The noise of each drawing
    is drawn on the CPU from a random generator of its own, so that a seed means the same noise on every device.
    """

    def __init__(self, name: str, spec: DiffusersGenerator, root: Path) -> None:
        self.name = name
        self._setup(spec, root, spec.batch, kind=KIND)

    def _setup(self, spec: Pipeline, root: Path, batch: int, **parts: Any) -> None:
        """Everything but the network; `parts` determine a drawing beside the pipeline itself."""
        self._spec, self._folder, self._batch = spec, pipeline_folder(spec, root), batch
        self._device = _device(f"generators.{self.name}", spec)
        self.revision = content_key(
            version=_VERSION,
            files=pipeline_hashes(self._folder),
            precision=spec.precision,
            device=self._device,
            batch=batch,
            **parts,
        )
        given = {"width": spec.width, "height": spec.height, "negative": spec.negative or None}
        self.settings: Mapping[str, float | int | str] = {
            "steps": spec.steps,
            "guidance": spec.guidance,
            **{key: value for key, value in given.items() if value is not None},
        }
        self._pipeline: Any = None

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        """See `Generator`. Refuses what the pipeline cannot draw or would cut, and what its safety checker withholds.

        Raises:
            FieldguideError: the folder holds no such pipeline, or the device's memory is too small for it.
        """
        pairs = list(zip(prompts, seeds, strict=True))
        drawings: list[Image.Image | Refused] = []
        for start in range(0, len(pairs), self._batch):
            drawings += self._together(pairs[start : start + self._batch])
        return drawings

    def _together(self, pairs: Sequence[Pair], **more: Any) -> list[Image.Image | Refused]:
        """Drawings of one batch; what cannot be drawn spoils none of the others."""
        pipeline = self._load()
        refused = {n: reason for n, (prompt, _) in enumerate(pairs) if (reason := _unfit(prompt, pipeline))}
        fit = [pair for n, pair in enumerate(pairs) if n not in refused]
        # A smaller rest is filled up: the shape of a batch decides which kernels compute it.
        full = [*fit, *fit[-1:] * (self._batch - len(fit))]
        drawn = iter(self._attempt(full, **more) if fit else [])
        return [Refused(refused[n]) if n in refused else next(drawn) for n in range(len(pairs))]

    def _attempt(self, pairs: Sequence[Pair], **more: Any) -> list[Image.Image | Refused]:
        import torch

        try:
            return self._make(pairs, **more)
        except torch.OutOfMemoryError as error:
            raise FieldguideError(
                f"generators.{self.name}: the memory of {self._device} is too small for {self._folder} ({error}); "
                "set a smaller `batch`, `precision: bf16`, `offload: model`, or a smaller width and height"
            ) from None
        except (RuntimeError, ValueError) as error:
            if len(pairs) > 1:
                return [drawing for pair in pairs for drawing in self._attempt([pair], **more)]
            return [Refused(f"{type(error).__name__}: {error}")]

    def _make(self, pairs: Sequence[Pair], **more: Any) -> list[Image.Image | Refused]:
        import torch

        settings = {"num_inference_steps": self._spec.steps, "guidance_scale": self._spec.guidance}
        sizes = {"width": self._spec.width, "height": self._spec.height}
        wanted = {key: value for key, value in sizes.items() if value is not None}
        if self._spec.negative:
            wanted["negative_prompt"] = [self._spec.negative] * len(pairs)  # type: ignore[assignment]
        # cuDNN would otherwise take whichever kernel is fastest at the moment.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            made = self._load()(
                prompt=[prompt for prompt, _ in pairs],
                generator=[torch.Generator("cpu").manual_seed(seed) for _, seed in pairs],
                output_type="np",
                **settings,
                **wanted,
                **more,
            )
        withheld = getattr(made, "nsfw_content_detected", None) or [False] * len(pairs)
        return [
            Refused("withheld by the pipeline's safety checker") if bad else from_pixels(pixels)
            for pixels, bad in zip(made.images, withheld, strict=True)
        ]

    def _load(self) -> Any:
        if self._pipeline is None:
            declare_operators()
            pipeline = load_pipeline(self._folder, self._spec.precision)
            _check_takes(pipeline, self._folder, self._spec)
            self._equip(pipeline)
            if self._spec.offload == "model":
                pipeline.enable_model_cpu_offload(device=self._device)
            elif self._device != "cpu":
                pipeline.to(self._device)
            self._pipeline = pipeline
        return self._pipeline

    def _equip(self, pipeline: Any) -> None:
        """Add to a pipeline that was just loaded."""


def pipeline_folder(spec: Pipeline, root: Path) -> Path:
    """The folder of a section's pipeline, fetched from the hub if it says so and it is not there yet.

    Raises:
        FieldguideError: the repository is neither in the cache nor can it be fetched; or the index is none.
    """
    source = hub.repository(spec)
    if source is None:
        return root / (spec.path or "")
    folder = hub.snapshot(source, [INDEX])
    components = _components(folder)
    patterns = [INDEX, *(f"{name}/*{suffix}" for name in components for suffix in sorted(_READ))]
    return hub.snapshot(source, patterns, _VARIANTS)


def _components(folder: Path) -> list[str]:
    """Folders of a pipeline's parts."""
    index = read_json(folder / INDEX)
    if not isinstance(index, dict):
        raise FieldguideError(f"{folder / INDEX}: not the index of a pipeline; expected an object")
    return sorted(name for name, value in index.items() if isinstance(value, list) and not name.startswith(("_", ".")))


def pipeline_hashes(folder: Path) -> dict[str, str]:
    """sha256 of the index and of every file of its components that a pipeline is loaded from, by path.

    Raises:
        FieldguideError: the index is none.
    """
    files = [folder / INDEX]
    for component in _components(folder):
        inside = (path for path in (folder / component).rglob("*") if path.is_file() and path.suffix in _READ)
        files += sorted(path for path in inside if not any(path.match(variant) for variant in _VARIANTS))
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}


def load_pipeline(folder: Path, precision: str) -> Any:
    """The pipeline of a folder, on the CPU.

    Raises:
        FieldguideError: it cannot be loaded from safetensors alone.
    """
    import torch
    from diffusers import DiffusionPipeline
    from diffusers.utils import logging
    from transformers.utils import logging as text_logging

    logging.disable_progress_bar()
    text_logging.disable_progress_bar()
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    try:
        pipeline = DiffusionPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=dtype
        )
    except (OSError, ValueError) as error:
        raise FieldguideError(f"{folder}: diffusers cannot load this pipeline from safetensors: {error}") from None
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _device(where: str, spec: Pipeline) -> str:
    """Where to draw.

    Raises:
        FieldguideError: this machine has no such device, or `offload` has nothing to offload from.
    """
    device = usable_device(f"{where}.device", spec.device)
    if device == "cpu" and spec.offload != "none":
        raise FieldguideError(f"{where}.offload is {spec.offload}; it needs a device other than cpu")
    return device


def _check_takes(pipeline: Any, folder: Path, spec: Pipeline) -> None:
    """Refuse a pipeline that draws from something else than text, or takes less than is asked of it."""
    taken = inspect.signature(pipeline.__call__).parameters
    name = type(pipeline).__name__
    if "prompt" not in taken or "image" in taken:
        raise FieldguideError(f"{folder}: {name} does not draw from a prompt alone; a text-to-image pipeline is needed")
    # Where guidance is distilled (FLUX), a negative prompt is ignored unless true_cfg_scale is set.
    if spec.negative and ("negative_prompt" not in taken or "true_cfg_scale" in taken):
        raise FieldguideError(f"{folder}: {name} takes no negative prompt; leave `negative` empty")


def _unfit(prompt: str, pipeline: Any) -> str | None:
    """Why a prompt cannot be drawn as it stands: it is empty, or every text encoder would cut off its end."""
    if not prompt.strip():
        return "the prompt has no words"
    tokenizers = [getattr(pipeline, name, None) for name in ("tokenizer", "tokenizer_2", "tokenizer_3")]
    limit = inspect.signature(pipeline.__call__).parameters.get("max_sequence_length")
    longest = limit.default if limit is not None and isinstance(limit.default, int) else sys.maxsize
    read = [(len(t(prompt).input_ids), min(t.model_max_length, longest)) for t in tokenizers if t is not None]
    if read and all(tokens > most for tokens, most in read):
        tokens, most = max(read, key=lambda pair: pair[1])
        return f"the prompt has {tokens} tokens and the pipeline reads {most}; shorten the phrase"
    return None
