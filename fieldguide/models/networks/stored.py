"""How this repository stores weights it trained: a folder with config.json and half-precision safetensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_directory, read_json, read_text, write_json

if TYPE_CHECKING:
    from torch import nn

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FILES = (CONFIG, WEIGHTS)
PHOTOGRAPHS = "photographs.txt"


@dataclass(frozen=True)
class Training:
    """What weights were trained on.

    Attributes:
        entities: ids of all that they know.
        photographs: image ids, empty where they are not recorded.
    """

    entities: frozenset[str]
    photographs: frozenset[str] = frozenset()


def save(folder: Path, network: nn.Module, config: Mapping[str, Any], photographs: Iterable[str] | None = None) -> None:
    """Write the network's weights in half precision and `config` beside them; the folder is replaced as a whole.

    Args:
        folder: what lies there stays as it is until all is written.
        network: what was trained.
        config: its shape, the recipe and the `entities` that it learnt.
        photographs: image ids of what it was trained on; None where it did not look at any.
    """
    from safetensors.torch import save as to_bytes

    with atomic_directory(folder) as temporary:
        tensors = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
        (temporary / WEIGHTS).write_bytes(to_bytes(tensors))
        write_json(temporary / CONFIG, dict(config))
        if photographs is not None:
            (temporary / PHOTOGRAPHS).write_text("".join(f"{image}\n" for image in sorted(photographs)))


def holds(folder: Path, config: Mapping[str, Any]) -> bool:
    """Whether the folder has weights that were saved with all that `config` says."""
    if not all((folder / name).is_file() for name in FILES):
        return False
    saved = read_json(folder / CONFIG)
    return isinstance(saved, dict) and config.items() <= saved.items()


def training_of(folder: Path) -> Training | None:
    """What the weights of a folder were trained on; None where they do not say."""
    if not (folder / CONFIG).is_file():
        return None
    config = read_json(folder / CONFIG)
    entities = config.get("entities") if isinstance(config, dict) else None
    if not isinstance(entities, list):
        return None
    listed = folder / PHOTOGRAPHS
    photographs = read_text(listed).split() if listed.exists() else []
    return Training(frozenset(map(str, entities)), frozenset(photographs))


def network_config(folder: Path) -> dict[str, Any]:
    """What `config.json` says about the network's shape.

    Raises:
        FieldguideError: it says nothing.
    """
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("network"), dict):
        raise FieldguideError(f"{folder / CONFIG}: `network` is missing; expected the shape of the network")
    return config["network"]


def load_into(network: Any, folder: Path) -> Any:
    """Put the weights of a folder into a network, in float32 and evaluation mode; returns the network.

    Raises:
        FieldguideError: the weights do not fit what config.json says.
    """
    from safetensors.torch import load_file

    weights = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise FieldguideError(f"{folder / WEIGHTS}: does not fit {CONFIG}: {error}") from None
    return network.eval()
