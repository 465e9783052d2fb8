"""MiniLM sentence embeddings: what every text model of the example understands language with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.files import content_key, sha256_file
from fieldguide.models.loading.parallel import each
from fieldguide.models.loading.protocols import Vectors
from fieldguide.models.loading.torchvision import declare_operators

DIMENSION = 384
FILES = ("config.json", "model.safetensors", "tokenizer.json")
_MAX_TOKENS = 256
_VERSION = 1


class SentenceEncoder:
    """all-MiniLM-L6-v2 by plain transformers: mean over tokens, unit length (Reimers and Gurevych 2019)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        hashes = {name: sha256_file(folder / name) for name in FILES}
        self.revision = content_key(kind="minilm", version=_VERSION, max_tokens=_MAX_TOKENS, files=hashes)
        self._loaded: tuple[Any, Any] | None = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: (n, 384) float32, rows of unit length. Texts beyond 256 tokens are cut."""
        import torch

        tokenizer, model = self._load()

        # Without padding: a padded batch changes the last bits of its shorter texts. Not in `each`, because a tokenizer
        # must not be called from several threads at once.
        tokens = [tokenizer(t, return_tensors="pt", truncation=True, max_length=_MAX_TOKENS) for t in texts]

        def embed(one: Any) -> Any:
            with torch.inference_mode():
                mean = model(**one).last_hidden_state[0].mean(0)
                return torch.nn.functional.normalize(mean, dim=0).numpy()

        return np.asarray(each(embed, tokens), dtype=np.float32).reshape(len(texts), DIMENSION)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            declare_operators()
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging

            logging.disable_progress_bar()
            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
            model = AutoModel.from_pretrained(self.folder, local_files_only=True, use_safetensors=True)
            self._loaded = tokenizer, model.eval()
        return self._loaded
