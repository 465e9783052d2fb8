"""Encoding spread over processes, of this machine or of a cluster: each loads the encoder once and answers parts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.items import Item
from fieldguide.models.encoders.section import EncoderSection
from fieldguide.models.protocols import Encoder
from fieldguide.models.registry import load_encoder
from fieldguide.records.embeddings import Dtype
from fieldguide.retrieval.encoding.forward import Part, parts


@dataclass(frozen=True)
class Workers:
    """Processes that can import this package and read the corpus and the weights at the same paths.

    Attributes:
        pool: of processes on this machine, or a cluster's.
        count: how many work at once; twice as many parts are under way.
        name: of the encoder in params.yaml.
        spec: its section.
        root: of the repository.
    """

    pool: Executor
    count: int
    name: str
    spec: EncoderSection
    root: Path

    def parts(self, chunks: Sequence[Sequence[Item]], revision: str, dtype: Dtype, batch: int) -> Iterator[Part]:
        """The vectors of each chunk, in order, whichever is done first.

        Raises:
            FieldguideError: as `forward.parts`; or a worker's encoder has another revision (other files, another kind
                of device), whose vectors would not be comparable.
        """
        pending: deque[Future[Part]] = deque()
        try:
            for chunk in chunks:
                given = (self.name, self.spec, self.root, revision, dtype, batch)
                pending.append(self.pool.submit(_encode, list(chunk), *given))
                if len(pending) >= 2 * self.count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def _encode(
    items: list[Item], name: str, spec: EncoderSection, root: Path, revision: str, dtype: Dtype, batch: int
) -> Part:
    try:
        return _answer(items, _encoder(name, spec, root), revision, dtype, batch)
    except FieldguideError as error:
        # As its words alone: an error that carries more may not survive the way back.
        raise FieldguideError(str(error)) from None


def _answer(items: list[Item], encoder: Encoder, revision: str, dtype: Dtype, batch: int) -> Part:
    if encoder.revision != revision:
        raise FieldguideError(
            f"encoders.{encoder.name}: a worker has revision {encoder.revision[:12]}, this process {revision[:12]}; "
            "all need the same files and the same kind of device"
        )
    done = list(parts(items, encoder, dtype, batch))
    return [content for ids, _ in done for content in ids], np.concatenate([vectors for _, vectors in done])


@lru_cache(maxsize=1)
def _encoder(name: str, spec: EncoderSection, root: Path) -> Encoder:
    return load_encoder(name, spec, root)
