"""Names of imported things in the house's tables: see docs/decisions/0010-imported-image-ids.md."""

from __future__ import annotations

from collections.abc import Iterable

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_bytes
from fieldguide.corpus.ingest.labels import slug


def image_id(name: str) -> str:
    """First 16 hex digits of the sha256 of the published name (UTF-8), as the house's ids are of the bytes."""
    return sha256_bytes(name.encode())[:16]


def image_ids(names: Iterable[str]) -> dict[str, str]:
    """The id of each name.

    Raises:
        FieldguideError: two names with one id (one in a million for six million images).
    """
    ids = {name: image_id(name) for name in names}
    owners = {identity: name for name, identity in ids.items()}
    for name, identity in ids.items():
        if owners[identity] != name:
            raise FieldguideError(f"images {name!r} and {owners[identity]!r} have the same id {identity}")
    return ids


def entity_ids(names: Iterable[str]) -> dict[str, str]:
    """The slug of each entity's name; where names share one, each gets 8 digits of its own sha256 too."""
    slugs = {name: slug(name) for name in names}
    owners: dict[str, set[str]] = {}
    for name, short in slugs.items():
        owners.setdefault(short, set()).add(name)
    return {
        name: short if short and len(owners[short]) == 1 else f"{short or 'entity'}-{sha256_bytes(name.encode())[:8]}"
        for name, short in slugs.items()
    }
