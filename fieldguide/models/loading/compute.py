"""Where and how precisely a network computes, and in batches of which shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.models.loading.parallel import each
from fieldguide.models.loading.protocols import Vectors

Device = Literal["cpu", "cuda", "mps"]
# Of one image or text: the network's named inputs, each without the batch's dimension.
Inputs = Mapping[str, Any]


class ComputedSection(Protocol):
    """The part of a section of params.yaml that says how to compute."""

    @property
    def device(self) -> str:
        """auto, cpu, cuda or mps."""
        ...

    @property
    def precision(self) -> str:
        """fp32, fp16 or bf16."""
        ...

    @property
    def batch(self) -> int:
        """Images or texts in one forward pass."""
        ...


@dataclass(frozen=True)
class Compute:
    """A device, a precision and a batch.

    Invariant: every forward pass has exactly `batch` items, a smaller rest being filled up with its last one, so that
    what is encoded beside an item changes neither the shape nor, with it, the kernels and the order of their sums.
    """

    device: Device
    precision: str
    batch: int

    @classmethod
    def of(cls, name: str, spec: ComputedSection) -> Compute:
        """How the encoder `name` computes.

        Raises:
            FieldguideError: this machine has no such device.
        """
        return cls(usable_device(f"encoders.{name}.device", spec.device), spec.precision, spec.batch)

    @property
    def key(self) -> dict[str, str | int]:
        """What of it can change the last bits of a vector, for an encoder's revision."""
        return {"device": self.device, "precision": self.precision, "batch": self.batch}

    @property
    def dtype(self) -> Any:
        """Torch's type of weights and activations."""
        import torch

        return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[self.precision]

    def place(self, network: Any) -> Any:
        """The network in evaluation mode, on the device, in the precision."""
        return network.eval().requires_grad_(False).to(device=self.device, dtype=self.dtype)

    def rows(self, forward: Callable[[dict[str, Any]], Any], items: Sequence[Inputs], width: int) -> Vectors:
        """`forward` of all items: (n, width) float32.

        Args:
            forward: from stacked inputs on the device to (batch, width); is called from several threads on a CPU.
            items: inputs of equal shapes.
            width: of a row.
        """
        import torch

        def step(batch: Sequence[Inputs]) -> Any:
            full = [*batch, *[batch[-1]] * (self.batch - len(batch))]
            with torch.inference_mode():
                return forward(self._stacked(full))[: len(batch)].float()

        batches = [items[start : start + self.batch] for start in range(0, len(items), self.batch)]
        # On an accelerator the host runs ahead of the device: nothing waits before the last batch is queued.
        done = each(step, batches) if self.device == "cpu" else [step(batch) for batch in batches]
        if not done:
            return np.empty((0, width), dtype=np.float32)
        return np.asarray(torch.cat(done).cpu().numpy(), dtype=np.float32)

    def _stacked(self, items: Sequence[Inputs]) -> dict[str, Any]:
        return dict(self._inputs(items))

    def _inputs(self, items: Sequence[Inputs]) -> Iterator[tuple[str, Any]]:
        import torch

        for name in items[0]:
            stacked = torch.stack([item[name] for item in items])
            if self.device == "cuda":
                stacked = stacked.pin_memory()
            dtype = self.dtype if stacked.is_floating_point() else None
            yield name, stacked.to(device=self.device, dtype=dtype, non_blocking=True)


def usable_device(where: str, wanted: str) -> Device:
    """The device that is wanted, or for `auto` the best there is.

    Args:
        where: the key of params.yaml that says so.
        wanted: auto, cpu, cuda or mps.

    Raises:
        FieldguideError: this machine has no such device.
    """
    # A CPU needs no import of torch to be found: revisions are asked for without loading a model.
    if wanted == "cpu":
        return "cpu"
    import torch

    present: list[Device] = []
    if torch.cuda.is_available():
        present.append("cuda")
    if torch.backends.mps.is_available():
        present.append("mps")
    present.append("cpu")
    if wanted == "auto":
        return present[0]
    for device in present:
        if device == wanted:
            return device
    raise FieldguideError(f"{where} is {wanted}, which torch does not find here; it finds {', '.join(present)}")
