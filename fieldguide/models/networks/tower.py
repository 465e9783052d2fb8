"""The text tower's network: from a sentence embedding into an image space."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Tower(nn.Module):
    """One hidden layer. `centre` is the mean of the phrases it was trained on; outputs have unit length."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.shape = {"inputs": inputs, "hidden": hidden, "outputs": outputs}
        self.register_buffer("centre", torch.zeros(inputs))
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, outputs)

    def forward(self, sentences: Tensor) -> Tensor:
        """(n, inputs) unit rows to (n, outputs) unit rows."""
        spread = (sentences - self.centre) * math.sqrt(self.shape["inputs"])
        return functional.normalize(self.second(functional.gelu(self.first(spread))), dim=1)
