"""The example's own generator: conditional flow matching with guidance, drawn by Heun's method."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fieldguide.core.files import content_key, sha256_file
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.generators.section import FlowMatchingGenerator
from fieldguide.models.loading.parallel import each
from fieldguide.models.loading.protocols import Refused, Vectors
from fieldguide.models.networks import stored
from fieldguide.models.networks.sentences import FILES, SentenceEncoder

if TYPE_CHECKING:
    from torch import Tensor

    from fieldguide.models.networks.unet import UNet

KIND = "flow-matching"
_VERSION = 1


@GENERATORS.register(
    KIND,
    modules=("torch", "safetensors", "transformers"),
    files={"path": stored.FILES, "text": FILES},
    trained="path",
)
class FlowMatching:
    """Draws what it was trained on, and nothing else (fieldguide/retrieval/training/generator.py)."""

    def __init__(self, name: str, spec: FlowMatchingGenerator, root: Path) -> None:
        self.name = name
        self._folder = root / spec.path
        self._sentences = SentenceEncoder(root / spec.text)
        files = {file: sha256_file(self._folder / file) for file in stored.FILES}
        self.revision = content_key(kind=KIND, version=_VERSION, files=files, text=self._sentences.revision)
        self.settings: Mapping[str, float | int | str] = {
            "solver": "heun",
            "steps": spec.steps,
            "guidance": spec.guidance,
        }
        self._steps, self._guidance = spec.steps, spec.guidance
        self._network: UNet | None = None

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | Refused]:
        """See `Generator`. Refuses a prompt without words, and a drawing whose numbers are not finite."""
        self._load()
        return each(self._draw, list(zip(prompts, self._sentences.encode(prompts), seeds, strict=True)))

    def _draw(self, wanted: tuple[str, Vectors, int]) -> Image.Image | Refused:
        import torch

        prompt, sentence, seed = wanted
        if not prompt.strip():
            return Refused("the prompt has no words")
        with torch.inference_mode():
            text = torch.from_numpy(sentence)[None]
            pixels = sample(self._load(), text, seed, self._steps, self._guidance)
        if not bool(torch.isfinite(pixels).all()):
            return Refused("the network's output is not finite")
        values = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return Image.fromarray(values.permute(1, 2, 0).contiguous().numpy(), "RGB")

    def _load(self) -> UNet:
        if self._network is None:
            self._network = load_network(self._folder)
        return self._network


def load_network(folder: Path) -> UNet:
    """The network that lies in a folder, in float32 whatever it is stored in."""
    import torch

    from fieldguide.models.networks.unet import UNet, UNetConfig

    network: UNet = stored.load_into(UNet(UNetConfig.from_json(stored.network_config(folder))), folder)
    network.to(memory_format=torch.channels_last)
    return network


def sample(network: UNet, text: Tensor, seed: int, steps: int, guidance: float) -> Tensor:
    """Follow the flow from noise (time 0) to an image (time 1).

    Heun's second-order method on an even grid, the last step by Euler's (Karras et al., arXiv 2206.00364, algorithm 1):
    2 * steps - 1 evaluations. Guidance extrapolates the predicted image from the unconditional one (Ho and Salimans,
    arXiv 2207.12598); it is clipped to the range of pixels, without which strong guidance saturates.

    Args:
        network: predicts the image.
        text: (1, d) sentence embedding.
        seed: of the noise.
        steps: of the solver.
        guidance: 1 draws by the text alone, 0 ignores it.

    Returns:
        (3, size, size) float32, in about -1..1.
    """
    import torch

    config = network.config
    side = config.size // config.patch
    noise = np.random.default_rng(seed).standard_normal((1, 3 * config.patch**2, side, side), dtype=np.float32)
    both, known = text.expand(2, -1), torch.tensor([True, False])

    def velocity(z: Tensor, time: float) -> Tensor:
        pair = z.expand(2, -1, -1, -1).contiguous(memory_format=torch.channels_last)
        said, unsaid = network(pair, torch.full((2,), time), both, known).chunk(2)
        return ((unsaid + guidance * (said - unsaid)).clamp(-1, 1) - z) / (1 - time)

    z = torch.from_numpy(noise)
    times = [step / steps for step in range(steps + 1)]
    for now, after in itertools.pairwise(times):
        slope = velocity(z, now)
        ahead = z + (after - now) * slope
        z = ahead if after == 1.0 else z + (after - now) * 0.5 * (slope + velocity(ahead, after))
    return torch.nn.functional.pixel_shuffle(z, config.patch)[0]
