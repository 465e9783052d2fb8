"""From a source's own labels to entity ids and splits. What params.yaml does not explain is told in one error."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from fieldguide.core.errors import Problem
from fieldguide.core.files import sha256_bytes
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.records.images import SPLITS


def slug(label: str) -> str:
    """`Herring Gull` -> `herring-gull`: ASCII letters and digits in lower case, all else one hyphen; may be empty."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _drawn(key: str) -> float:
    """A number from 0 to 1 that depends on the key alone."""
    return int(sha256_bytes(key.encode(errors="surrogateescape"))[:13], 16) / 16**13


@dataclass
class Labels:
    """Resolves the labels of one source and remembers those it cannot."""

    source: ImageSource
    _slugs: dict[str, str] = field(default_factory=dict)
    _wrong: dict[tuple[str, str], str] = field(default_factory=dict)

    def resolve(self, candidate: SourceImage) -> tuple[str | None, str]:
        """(entity_id, split) of a candidate. Where a label has no meaning it is remembered as a problem."""
        split = candidate.split
        return self.entity(candidate.entity, candidate.key), (
            self.drawn_split(candidate.key) if split is None else self.split(split, candidate.key)
        )

    def problems(self) -> Iterator[Problem]:
        """One for each label without a meaning, naming the first image that has it."""
        for (column, label), what in sorted(self._wrong.items()):
            yield Problem(f"params.yaml: ingest.sources: {self.source.name}.{column}", f"{label!r} {what}")

    def entity(self, label: str | None, key: str) -> str | None:
        """The entity_id that a label means; where it has no meaning, that is remembered, with the key of a file."""
        known = self.source.entities
        if label is None or known is None:
            return None
        if known:
            if label not in known:
                self._refuse("entities", label, key, f"is not listed; listed are {', '.join(sorted(known))}")
            return known.get(label)
        entity = slug(label)
        if not entity:
            self._refuse("entities", label, key, "has no letters a-z or digits to name an entity by; list it")
        elif self._slugs.setdefault(entity, label) != label:
            other = self._slugs[entity]
            self._refuse("entities", label, key, f"and {other!r} would both be called {entity!r}; list them")
        return entity

    def split(self, label: str, key: str) -> str:
        """The split that a label means; where it has no meaning, that is remembered, with the key of a file."""
        known: dict[str, str] = dict(self.source.splits) or {name: name for name in SPLITS}
        if label not in known:
            self._refuse("splits", label, key, f"is not listed; listed are {', '.join(sorted(known))}")
        return known.get(label, self.source.split)

    def drawn_split(self, key: str) -> str:
        """The split of a file that has no label."""
        return "train" if _drawn(key) < self.source.train_share else self.source.split

    def _refuse(self, column: str, label: str, key: str, what: str) -> None:
        self._wrong.setdefault((column, label), f"(first met at {key}) {what}")
