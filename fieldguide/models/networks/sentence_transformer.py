"""Folders of sentence-transformers, refused where they would have code run, pickles or other folders read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute
from fieldguide.models.loading.protocols import Modality
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.pretrained import OFFLINE, load_network, load_tokenizer

FILES = ("modules.json",)
_CONFIG, _ADAPTER = "config_sentence_transformers.json", "adapter_config.json"
# sentence_bert_config.json, or of another network's name in old folders.
_NETWORK_CONFIGS = "sentence_*_config.json"
_LIBRARY = "sentence_transformers."
# The first module, a network of transformers; and those after it, each with all its files directly in its folder.
_NETWORKS = ("Transformer", "CLIPModel")
_OTHERS = ("Dense", "Dropout", "LayerNorm", "Normalize", "Pooling", "WeightedLayerPooling")
_ELSEWHERE = {"tokenizer_name_or_path", "processor_name"}


class Composed:
    """A folder with modules.json: a network of transformers, then what makes one vector of its output.

    Attributes:
        folder: with modules.json.

    Raises:
        ProblemsError: all that keeps the folder from being loaded from its own safetensors alone.
    """

    def __init__(self, folder: Path, compute: Compute) -> None:
        self.folder, self._compute = folder, compute
        modules = read_json(folder / FILES[0])
        if not isinstance(modules, list) or not modules or not all(_is_module(module) for module in modules):
            raise FieldguideError(
                f"{folder / FILES[0]}: expected a list, each with `name`, `type` and `path` (in here)"
            )
        self._parts = [folder / module["path"] for module in modules]
        problems = [*_problems_of_types(folder, [module["type"] for module in modules]), *self._problems_of_files()]
        if problems:
            raise ProblemsError(f"{folder} cannot be loaded by sentence-transformers:", problems)

    def hashes(self) -> dict[str, str]:
        """sha256 of every file that vectors depend on, by its path in the folder."""
        folders = {self.folder, *(part for part in self._parts if part.is_dir())}
        return {
            (part / name).relative_to(self.folder).as_posix(): sha256
            for part in sorted(folders)
            for name, sha256 in hub.hashes(part).items()
        }

    def ends(self) -> tuple[frozenset[Modality], int]:
        """What it encodes, and the length of a vector; found without reading weights.

        Raises:
            FieldguideError: the library cannot load the folder, weights are missing, or it encodes neither images nor
                texts.
        """
        skeleton = self._made(device_map="meta")
        network = skeleton.transformers_model
        load_network(type(network), self._parts[0], self._compute.dtype, config=network.config, device_map="meta")
        modalities: tuple[Modality, ...] = ("image", "text")
        encodes = frozenset(modality for modality in modalities if modality in skeleton.modalities)
        if not encodes:
            there = ", ".join(map(str, skeleton.modalities)) or "nothing"
            raise FieldguideError(f"{self.folder}: the model encodes neither images nor texts alone (but {there})")
        if "text" in encodes:
            load_tokenizer(self._parts[0])
        return encodes, int(skeleton.get_embedding_dimension())

    def load(self) -> Any:
        """The library's model on its device."""
        # Not `Compute.place`: it would round the rotary embeddings' frequencies, which are kept in full precision.
        return self._made(device=self._compute.device).eval().requires_grad_(False)

    def _made(self, device: str | None = None, **options: Any) -> Any:
        declare_operators()
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        options |= {"dtype": self._compute.dtype, "use_safetensors": True}
        try:
            return SentenceTransformer(str(self.folder), device=device, model_kwargs=options, **OFFLINE)
        except Exception as error:  # wrong values in any of the folder's files end in errors of any kind
            reason = " ".join(str(error).split())[:300]
            raise FieldguideError(f"{self.folder}: sentence-transformers cannot load this model: {reason}") from None

    def _problems_of_files(self) -> Iterator[Problem]:
        network, *others = self._parts
        if not any(network.glob("*.safetensors")):
            yield Problem(str(network), "no safetensors here; pickled weights (.bin, .pt) are never read")
        for part in others:
            if (part / "pytorch_model.bin").exists() and not (part / "model.safetensors").exists():
                yield Problem(str(part), "weights only as a pickle (pytorch_model.bin), which is never read")
        if (network / _ADAPTER).exists():
            yield Problem(str(network / _ADAPTER), "an adapter, whose base is elsewhere; merge the two and save them")
        for config in network.glob(_NETWORK_CONFIGS):
            for key in _ELSEWHERE & _values(config).keys():
                yield Problem(f"{config}: {key}", "names a tokenizer elsewhere; it has to lie in this folder")


def _values(config: Path) -> dict[str, Any]:
    values = read_json(config) if config.exists() else {}
    return values if isinstance(values, dict) else {}


def _is_module(value: Any) -> bool:
    """Whether an entry of modules.json is one; a path does not lead out of the folder."""
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in ("type", "path", "name")):
        return False
    path = PurePosixPath(value["path"])
    return not path.is_absolute() and ".." not in path.parts


def _problems_of_types(folder: Path, types: Sequence[str]) -> Iterator[Problem]:
    where = str(folder / FILES[0])
    for number, module in enumerate(types):
        allowed = _OTHERS if number else _NETWORKS
        if not module.startswith(_LIBRARY):
            yield Problem(where, f"{module} is code of the repository, which is never run; take another model")
        elif module.rpartition(".")[2] not in allowed:
            yield Problem(where, f"module {number} is {module}; allowed: {', '.join(allowed)}")
    config = folder / _CONFIG
    found = _values(config).get("model_type", "SentenceTransformer")
    if found != "SentenceTransformer":
        yield Problem(f"{config}: model_type", f"is {found}; only a SentenceTransformer makes one vector of an input")
