"""Sections of indexes for large galleries: one class a kind. fieldguide/retrieval/index/ builds and serves them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Positive, Section, Seed


class IndexSection(Section):
    """What the sections of all indexes have in common.

    Attributes:
        shortlist: so many images a query are taken from the index; each is then compared exactly. Codes of bits need
            longer ones than codes of half precision.
        sample: so many queries, at most, are searched exactly too, to say how many of the best the index finds.
    """

    shortlist: Positive = 200
    sample: Positive = 64


class IvfIndex(IndexSection):
    """Inverted file (Sivic and Zisserman, ICCV 2003, as faiss builds it): the gallery in `lists` cells by k-means.

    A query looks into its `probes` nearest cells. `lists` null: four times the square root of the gallery's size.
    """

    kind: Literal["ivf"]
    lists: Positive | None = None
    probes: Positive = 16
    seed: Seed = 0


class HnswIndex(IndexSection):
    """Hierarchical navigable small world graph (Malkov and Yashunin, TPAMI 2018), as faiss builds it.

    `links` a node, `build` and `effort` candidates kept while building and searching (M, efConstruction, efSearch).
    """

    kind: Literal["hnsw"]
    links: Annotated[int, Field(strict=True, ge=2, le=256)] = 32
    build: Positive = 80
    effort: Positive = 256


class BinaryIndex(IndexSection):
    """Signs after a random rotation (Charikar, STOC 2002), compared by Hamming distance.

    Codes of bits for a first look and floats for the images found is the idea of BEBR (Gan et al., KDD 2023), whose
    codes are learnt. `bits` null: the vectors' dimension.
    """

    kind: Literal["binary"]
    shortlist: Positive = 1000
    bits: Annotated[int, Field(strict=True, ge=8, multiple_of=8)] | None = None


AnyIndex = Annotated[IvfIndex | HnswIndex | BinaryIndex, Field(discriminator="kind")]
