"""Training the example's generator: conditional flow matching on a few hundred photographs.

Flow matching (Lipman et al., arXiv 2210.02747) with straight paths z = t x + (1 - t) noise; the network predicts the
image x and is weighted as if it predicted the velocity (Li and He, arXiv 2511.13720). The condition is dropped for a
share of the samples so that guidance without a classifier works (Ho and Salimans, arXiv 2207.12598).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from fieldguide.core.files import atomic_path
from fieldguide.core.progress import Track, silent
from fieldguide.models.loading.protocols import Vectors
from fieldguide.models.networks.unet import UNet, UNetConfig

Report = Callable[[int, float], None]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Recipe:
    """How to train; everything that the result depends on beside the data and the network's shape.

    `generic` and `unconditional` are shares of samples that are shown under a phrase that names no entity, and under
    no phrase at all. `margin` is the share by which prepared images are larger than what the network sees, so that
    crops vary in place and scale. `time_mean` and `time_std` shape the logit-normal draw of the time.
    """

    steps: int
    batch: int
    learning_rate: float
    seed: int
    warmup: int = 100
    weight_decay: float = 0.01
    ema: float = 0.9993
    generic: float = 0.06
    unconditional: float = 0.1
    margin: float = 0.25
    time_mean: float = -0.4
    time_std: float = 1.0
    least_gap: float = 0.1
    checkpoint_every: int = 500


@dataclass(frozen=True)
class Examples:
    """What to learn from.

    Attributes:
        pixels: (n, side, side, 3) uint8, from `prepare`.
        labels: (n,) index into `phrases`.
        phrases: for each entity its phrasings' sentence embeddings, (p, 384) float32.
        generic: (g, 384) embeddings of phrases that name no entity.
    """

    pixels: Pixels
    labels: npt.NDArray[np.int64]
    phrases: Sequence[Vectors]
    generic: Vectors

    def text_mean(self) -> Vectors:
        """Mean over entities of their mean phrase: what all phrases share and the network need not see."""
        return np.asarray(np.mean([p.mean(0) for p in self.phrases], axis=0), dtype=np.float32)


def prepare(photographs: Iterable[Image.Image], size: int, margin: float) -> Pixels:
    """Centre squares of photographs, (n, s, s, 3) uint8 with s = size * (1 + margin) pixels."""
    side = round(size * (1 + margin))
    squares = []
    for photograph in photographs:
        width, height = photograph.size
        least = min(width, height)
        left, top = (width - least) // 2, (height - least) // 2
        square = photograph.convert("RGB").crop((left, top, left + least, top + least))
        squares.append(np.asarray(square.resize((side, side), Image.Resampling.LANCZOS)))
    return np.stack(squares)


def train(
    examples: Examples,
    config: UNetConfig,
    recipe: Recipe,
    *,
    checkpoint: Path | None = None,
    track: Track = silent,
    report: Report = lambda step, loss: None,
) -> UNet:
    """Train a network and return the moving average of its weights.

    Each step draws from a random generator of its own, seeded by (seed, step), and a checkpoint holds all that the
    next step needs, so that a run that was killed ends with the same weights as one that was not. The weights also
    depend on the processor (the arithmetic is bfloat16 where that is native) and on torch's number of threads.

    Args:
        examples: what to learn from.
        config: shape of the network.
        recipe: how to train.
        checkpoint: file to resume from if it is there, written every `checkpoint_every` steps.
        track: progress.
        report: told (steps done, mean loss since the last report) every 100 steps.
    """
    torch.manual_seed(recipe.seed)
    network = UNet(config).to(memory_format=torch.channels_last)
    network.text_mean.copy_(torch.from_numpy(examples.text_mean()))
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=recipe.weight_decay
    )
    start = _resume(checkpoint, network, average, optimizer) if checkpoint and checkpoint.exists() else 0
    losses = []
    for step in track(range(start, recipe.steps), "training the generator", unit="steps", total=recipe.steps - start):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe)
        loss = _loss(network, examples, recipe, np.random.default_rng([recipe.seed, step]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _follow(average, network, min(recipe.ema, (1 + step) / (10 + step)))
        losses.append(loss.item())
        if (step + 1) % 100 == 0:
            report(step + 1, sum(losses) / len(losses))
            losses.clear()
        if checkpoint and (step + 1) % recipe.checkpoint_every == 0:
            _save(checkpoint, step + 1, network, average, optimizer)
    average.eval()
    return average


def _schedule(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to zero; a share of the learning rate."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    return 0.5 * (1 + math.cos(math.pi * (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)))


def _loss(network: UNet, examples: Examples, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Squared error of the predicted image over the squared gap to the end of the path: that of the velocity."""
    rows, text, known = _batch(examples, recipe, rng)
    patch = network.config.patch
    clean = functional.pixel_unshuffle(_augment(examples.pixels[rows], network.config.size, rng), patch)
    clean = clean.contiguous(memory_format=torch.channels_last)
    noise = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32))
    noise = noise.contiguous(memory_format=torch.channels_last)
    logits = rng.normal(recipe.time_mean, recipe.time_std, size=len(rows))
    time = torch.from_numpy((1 / (1 + np.exp(-logits))).astype(np.float32))
    along = time[:, None, None, None]
    noisy = along * clean + (1 - along) * noise
    with torch.autocast("cpu", torch.bfloat16, enabled=_native_bfloat16()):
        predicted = network(noisy, time, text, known)
    error = (predicted.float() - clean).square().mean((1, 2, 3))
    return (error / (1 - time).clamp(min=recipe.least_gap).square()).mean()


def _native_bfloat16() -> bool:
    """Whether the processor computes in bfloat16; elsewhere it is emulated, slower than float32."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def _batch(
    examples: Examples, recipe: Recipe, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Tensor, Tensor]:
    """Rows of photographs (entities equally often, however many photographs each has), phrases, whether they count."""
    rows = np.empty(recipe.batch, dtype=np.int64)
    text = np.empty((recipe.batch, examples.generic.shape[1]), dtype=np.float32)
    for n in range(recipe.batch):
        entity = int(rng.integers(len(examples.phrases)))
        rows[n] = rng.choice(np.flatnonzero(examples.labels == entity))
        phrases = examples.generic if rng.random() < recipe.generic else examples.phrases[entity]
        text[n] = phrases[rng.integers(len(phrases))]
    known = rng.random(recipe.batch) >= recipe.unconditional
    return rows, torch.from_numpy(text), torch.from_numpy(known)


def _augment(pixels: Pixels, size: int, rng: np.random.Generator) -> Tensor:
    """Random squares, mirrored half of the time: (n, 3, size, size) float in -1..1."""
    out = torch.empty(len(pixels), 3, size, size)
    for n, image in enumerate(pixels):
        side = int(rng.integers(size, image.shape[0] + 1))
        top, left = rng.integers(image.shape[0] - side + 1, size=2)
        crop = image[top : top + side, left : left + side]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        tensor = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1))).float()
        out[n] = functional.interpolate(tensor[None], size=(size, size), mode="bilinear", antialias=True)[0]
    return out / 127.5 - 1


def _follow(average: UNet, network: UNet, decay: float) -> None:
    """Exponential moving average of the weights, in place."""
    with torch.no_grad():
        for slow, fast in zip(average.parameters(), network.parameters(), strict=True):
            slow.lerp_(fast, 1 - decay)


def _save(path: Path, step: int, network: UNet, average: UNet, optimizer: torch.optim.Optimizer) -> None:
    from safetensors.torch import save_file

    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    for name, parameter in network.named_parameters():
        tensors |= {f"{k}.{name}": v for k, v in optimizer.state[parameter].items()}
    with atomic_path(path) as temporary:
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, temporary, metadata={"step": str(step)})


def _resume(path: Path, network: UNet, average: UNet, optimizer: torch.optim.Optimizer) -> int:
    """Put everything back as `_save` found it; returns the steps done."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (no mapping)
        step = int(stored.metadata()["step"])
    for prefix, model in (("network.", network), ("average.", average)):
        model.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    for name, parameter in network.named_parameters():
        optimizer.state[parameter] = {
            key: tensors[f"{key}.{name}"].to(memory_format=torch.preserve_format)
            for key in ("step", "exp_avg", "exp_avg_sq")
        }
    return step
