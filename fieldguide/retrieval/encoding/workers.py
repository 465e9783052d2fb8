"""Encoding spread over the processes of a cluster: each loads the encoder once and answers parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.store.items import Item
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.encoders.section import EncoderSection
from fieldguide.models.loading.protocols import Encoder, SharesNetwork
from fieldguide.records.embeddings import Dtype
from fieldguide.retrieval.encoding.forward import Part, parts


def encode_part(
    items: Sequence[Item], name: str, spec: EncoderSection, root: Path, revision: str, dtype: Dtype, batch: int
) -> Part:
    """The vectors of some items, by the encoder of that name or the network that it shares with others.

    Raises:
        FieldguideError: as `forward.parts`; or neither has that revision here (other files, another kind of device):
            its vectors would not be comparable.
    """
    encoder = _encoder(name, spec, root)
    if encoder.revision != revision and isinstance(encoder, SharesNetwork):
        encoder = encoder.network
    if encoder.revision != revision:
        raise FieldguideError(
            f"encoders.{name}: a worker has revision {encoder.revision[:12]}, this process {revision[:12]}; "
            "all need the same files and the same kind of device"
        )
    done = list(parts(items, encoder, dtype, batch))
    return [content for ids, _ in done for content in ids], np.concatenate([vectors for _, vectors in done])


@lru_cache(maxsize=1)
def _encoder(name: str, spec: EncoderSection, root: Path) -> Encoder:
    return load_encoder(name, spec, root)
