"""Models of transformers: a folder that `save_pretrained` wrote, loaded whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError

CONFIG = "config.json"
MODULES = ("torch", "torchvision", "transformers", "safetensors")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "spiece.model", "tokenizer.model")

# Nothing is fetched here (hub.folder does that), and no code of the folder is run.
OFFLINE = {"local_files_only": True, "trust_remote_code": False}


def load_network(model_class: Any, folder: Path, dtype: Any, **options: Any) -> Any:
    """The network of a folder; `options` are of `from_pretrained`.

    Raises:
        FieldguideError: the weights do not load, or some of the network's are not among them: transformers would draw
            those at random.
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        network, found = model_class.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, dtype=dtype, **OFFLINE, **options
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise FieldguideError(f"{folder}: transformers cannot load this model: {error}") from None
    lost = sorted(found["missing_keys"])
    if lost:
        shown = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        raise FieldguideError(f"{folder}: the weights lack {shown}; they are of another model than {CONFIG} says")
    return network


def load_processor(processor_class: Any, folder: Path) -> Any:
    """What prepares images or texts for a folder's network.

    Raises:
        FieldguideError: the folder lacks its files (preprocessor_config.json or processor_config.json; a tokenizer's).
    """
    try:
        return processor_class.from_pretrained(folder, **OFFLINE)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FieldguideError(f"{folder}: {processor_class.__name__} of transformers cannot load: {reason}") from None


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder.

    Raises:
        FieldguideError: the folder has none: transformers would make one that knows no words.
    """
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise FieldguideError(f"{folder}: no tokenizer here; expected one of {', '.join(_VOCABULARIES)}")
    return load_processor(AutoTokenizer, folder)
