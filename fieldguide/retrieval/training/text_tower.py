"""Training the text tower: phrases are drawn to the photographs of their entity in the image space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from fieldguide.core.progress import Track, silent
from fieldguide.models.loading.parallel import one_thread
from fieldguide.models.loading.protocols import Vectors
from fieldguide.models.networks.tower import Tower


@dataclass(frozen=True)
class TowerRecipe:
    """How to train; everything that the result depends on beside the data.

    An epoch shows each phrase once. `temperature` divides the cosines before the softmax over all photographs.
    """

    epochs: int
    learning_rate: float
    seed: int
    hidden: int = 256
    batch: int = 128
    noise: float = 0.02
    weight_decay: float = 0.05
    temperature: float = 0.02


@one_thread()
def train_tower(
    photographs: Vectors,
    labels: npt.NDArray[np.int64],
    phrases: Sequence[Vectors],
    recipe: TowerRecipe,
    track: Track = silent,
) -> Tower:
    """Fit a tower by the contrastive loss with many positives (Khosla et al., arXiv 2004.11362, L_out).

    Args:
        photographs: (n, d) unit rows, the image space.
        labels: (n,) index into `phrases`.
        phrases: for each entity its phrasings' sentence embeddings, (p, 384) unit rows. Entities weigh the same,
            however many phrasings they have.
        recipe: how to train.
        track: progress.

    Returns:
        The trained tower, in evaluation mode. On one kind of processor the same input gives the same weights.
    """
    rng = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    tower = Tower(phrases[0].shape[1], recipe.hidden, photographs.shape[1])
    tower.centre.copy_(torch.from_numpy(np.mean([p.mean(0) for p in phrases], axis=0)))
    optimizer = torch.optim.AdamW(tower.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    batches = -(-sum(len(p) for p in phrases) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs * batches)
    images = torch.from_numpy(photographs)
    shown = torch.from_numpy(labels)
    for _ in track(range(recipe.epochs), "training the text tower", unit="epochs", total=recipe.epochs):
        for _ in range(batches):
            entities = rng.integers(len(phrases), size=recipe.batch)
            text = np.stack([phrases[e][rng.integers(len(phrases[e]))] for e in entities])
            text += rng.normal(0, recipe.noise, text.shape).astype(np.float32)
            cosines = tower(torch.from_numpy(text)) @ images.T
            scores = functional.log_softmax(cosines / recipe.temperature, dim=1)
            positive = torch.from_numpy(entities)[:, None] == shown[None]
            loss = -((scores * positive).sum(1) / positive.sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return tower.eval()
