"""The example generator's network: a small U-Net over pixel-unshuffled images, conditioned on a sentence embedding."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fieldguide.core.errors import FieldguideError

_GROUPS = 8
_HEAD = 32
_GRID = 32


@dataclass(frozen=True)
class UNetConfig:
    """Shape of the network.

    `size` is the image's side in pixels, `patch` the side of the pixel block that pixel-unshuffle folds into
    channels; `channels` is the width at each resolution from the finest, each half the one before; `blocks`
    the residual blocks at each; `text` the width of the sentence embedding; `embedding` that of the condition.
    """

    size: int
    patch: int
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    text: int = 384
    embedding: int = 192

    @classmethod
    def for_images(cls, size: int, channels: int) -> UNetConfig:
        """The shape for images of `size` pixels: 32 x 32 patches, three resolutions from `channels` up.

        Raises:
            FieldguideError: `size` is no multiple of 32, or `channels` of 32 (the width of an attention head).
        """
        if size % _GRID or channels % _HEAD:
            raise FieldguideError(
                f"train_generator: size is {size} and channels {channels}; both have to be multiples of {_GRID}"
            )
        widths = (channels, channels + _HEAD, channels + 2 * _HEAD)
        return cls(size, size // _GRID, widths, (1, 1, 1))

    def to_json(self) -> dict[str, Any]:
        """As it is stored in config.json."""
        return {**asdict(self), "channels": list(self.channels), "blocks": list(self.blocks)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> UNetConfig:
        """The inverse of `to_json`."""
        return cls(**{**value, "channels": tuple(value["channels"]), "blocks": tuple(value["blocks"])})


class _Residual(nn.Module):
    """Two convolutions; the condition scales and shifts between them. Starts as the identity."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.condition = nn.Linear(embedding, 2 * outputs)
        self.norm2 = nn.GroupNorm(_GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.conv2(functional.silu(self.norm2(h) * (1 + scale) + shift))
        return self.skip(x) + h


class _Attention(nn.Module):
    """Self-attention over all positions. Starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, c // _HEAD, _HEAD, h * w).transpose(3, 4).unbind(1)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(mixed.transpose(2, 3).reshape(b, c, h, w))


class UNet(nn.Module):
    """Predicts the clean image from a noisy one, the time and a sentence embedding.

    Predicting the image instead of the velocity keeps a narrow network from having to carry the noise of
    large patches through (Li and He, arXiv 2511.13720).
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths, blocks, emb = config.channels, config.blocks, config.embedding
        pixels = 3 * config.patch**2
        self.register_buffer("text_mean", torch.zeros(config.text))
        self.text = nn.Sequential(nn.Linear(config.text, emb), nn.SiLU(), nn.Linear(emb, emb))
        self.null = nn.Parameter(torch.zeros(emb))
        self.time = nn.Sequential(nn.Linear(64, emb), nn.SiLU(), nn.Linear(emb, emb))
        self.first = nn.Conv2d(pixels, widths[0], 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        kept, width = [], widths[0]
        for level, (w, n) in enumerate(zip(widths, blocks, strict=True)):
            self.shrink.append(nn.Conv2d(width, w, 3, stride=2, padding=1) if level else nn.Identity())
            width = w
            stack = nn.ModuleList()
            for _ in range(n):
                stack.append(_Residual(width, w, emb))
                kept.append(w)
            self.down.append(stack)
        self.attention = _Attention(widths[-1])
        self.middle = _Residual(widths[-1], widths[-1], emb)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(len(widths))):
            self.grow.append(
                nn.Identity() if level == len(widths) - 1 else nn.Conv2d(width, widths[level], 3, padding=1)
            )
            width = widths[level]
            self.up.append(nn.ModuleList(_Residual(width + kept.pop(), width, emb) for _ in range(blocks[level])))
        self.last_norm = nn.GroupNorm(_GROUPS, width)
        self.last = nn.Conv2d(width, pixels, 3, padding=1)

    def forward(self, noisy: Tensor, time: Tensor, text: Tensor, known: Tensor) -> Tensor:
        """One prediction.

        Args:
            noisy: (n, 3 * patch**2, size / patch, size / patch) float, pixel-unshuffled.
            time: (n,) in 0..1; 0 is noise, 1 the image.
            text: (n, text) unit rows.
            known: (n,) bool; where false the text is ignored (the unconditional prediction of guidance).

        Returns:
            The predicted clean image, shaped as `noisy`, in about -1..1.
        """
        said = torch.where(known[:, None], self.text((text - self.text_mean) * math.sqrt(text.shape[1])), self.null)
        condition = functional.silu(said + self.time(_waves(time)))
        x, kept = self.first(noisy), []
        for shrink, stack in zip(self.shrink, self.down, strict=True):
            x = shrink(x)
            for block in stack:
                x = block(x, condition)
                kept.append(x)
        x = self.middle(self.attention(x), condition)
        for level, (grow, stack) in enumerate(zip(self.grow, self.up, strict=True)):
            if level:
                x = grow(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
            for block in stack:
                x = block(torch.cat([x, kept.pop()], dim=1), condition)
        return self.last(functional.silu(self.last_norm(x)))


def _waves(time: Tensor) -> Tensor:
    """Sines and cosines of the time at 32 frequencies from 1 to 1000 radians: (n,) to (n, 64)."""
    frequencies = torch.exp(torch.linspace(0, math.log(1000), 32, device=time.device))
    angles = time[:, None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)
