"""What an image's name says of what it shows: iNaturalist and the benchmarks made from it name folders by taxa."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
_KINGDOMS = frozenset({"Animalia", "Plantae", "Fungi", "Chromista", "Protozoa", "Bacteria", "Archaea"})


@dataclass(frozen=True)
class Taxon:
    """A path from kingdom to species, as in `00854_Animalia_Arthropoda_Insecta_Lepidoptera_Cossidae_Cossus_cossus`.

    `path` has one name a rank of RANKS; the last is the species epithet (of subspecies: both epithets).
    """

    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The binomial: genus and epithet."""
        return " ".join(self.path[5:])

    def shared_ranks(self, other: Taxon) -> int:
        """How many ranks the two share from the kingdom down: 7 same species, 6 same genus, 0 nothing."""
        shared = 0
        for mine, theirs in zip(self.path, other.path, strict=True):
            if mine != theirs:
                break
            shared += 1
        return shared


@lru_cache(maxsize=1 << 16)
def parse_folder(folder: str) -> Taxon | None:
    """The taxon that a folder is named after, or None where the name is no taxonomic path."""
    parts = folder.split("_")
    if parts[0].isdigit():
        parts = parts[1:]
    if len(parts) < len(RANKS) or parts[0] not in _KINGDOMS:
        return None
    return Taxon((*parts[:6], " ".join(parts[6:])))


def folder_of(image: str) -> str | None:
    """The folder that an image lies in, or None where its name has none."""
    path = image.replace("\\", "/").rstrip("/").rpartition("/")[0]
    return path.rpartition("/")[2] or None
