"""CLETIR's aggregation network: several drawings of one phrase become one query vector.

Khan, Stojnić, Laskar, Elhoseiny and Tolias, Category-level Text-to-Image Retrieval Improved: Bridging the Domain Gap
with Diffusion Models and Vision Encoders, BMVC 2025 (arXiv 2509.00177).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from fieldguide.models.networks import stored

LAYERS = 2


class Attention(nn.Module):
    """Single-head attention of a first token over all, without residual or feed-forward.

    The key weights start as the query weights, as in the paper: alike tokens attend to one another from the first
    step. Value and output start as the identity, so that the untrained layer gives a weighted mean of the drawings in
    the space of the photographs; with a handful of entities to learn from, that space would not be found again.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(dimension, dimension) for _ in range(4))
        nn.init.xavier_uniform_(self.query.weight)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(layer.bias)
        self.key.load_state_dict(self.query.state_dict())
        nn.init.eye_(self.value.weight)
        nn.init.eye_(self.out.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t, d) to what the first token has become, (n, 1, d)."""
        attended = functional.scaled_dot_product_attention(
            self.query(tokens[:, :1]), self.key(tokens), self.value(tokens)
        )
        out: Tensor = self.out(attended)
        return out


class Aggregation(nn.Module):
    """The mean of the drawings attends over itself and them, twice. `p` is the logit of the image space's weight."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.layers = nn.ModuleList(Attention(dimension) for _ in range(LAYERS))
        self.p = nn.Parameter(torch.zeros(()))

    def forward(self, drawings: Tensor) -> Tensor:
        """(n, k, d) unit rows, k >= 1, to (n, d) unit rows."""
        mean = drawings.mean(dim=1, keepdim=True)
        for layer in self.layers:
            mean = layer(torch.cat([mean, drawings], dim=1))
        return functional.normalize(mean[:, 0], dim=1)

    @property
    def weight(self) -> Tensor:
        """sigma(p), 0..1: the share of image-space similarity; text-space similarity has the rest."""
        return torch.sigmoid(self.p)


def save_aggregation(folder: Path, network: Aggregation) -> None:
    """Write a trained network; the folder is replaced as a whole."""
    stored.save(folder, network, {"network": {"dimension": network.dimension}})


def load_aggregation(folder: Path) -> Aggregation:
    """A trained network in float64 and evaluation mode: its last bits are then far below what rankings look at.

    Raises:
        FieldguideError: the folder holds no such network.
    """
    network: Aggregation = stored.load_into(Aggregation(**stored.network_config(folder)), folder)
    return network.double()
