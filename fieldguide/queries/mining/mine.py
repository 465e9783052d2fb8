"""Stage `mine`: which entities are easily confused, and what is known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.queries.knowledge.reading import read_knowledge
from fieldguide.queries.knowledge.records import Entity, Knowledge
from fieldguide.queries.mining import similarity
from fieldguide.queries.mining.groups import Group, Judge, find_groups, related_pairs
from fieldguide.queries.mining.merging import merge
from fieldguide.queries.mining.section import Mine
from fieldguide.queries.mining.wordnet import read_glosses
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.topics import Refusal, write_records


@dataclass(frozen=True)
class MineSummary:
    """What `mine` wrote, counted; refusals in full, for they are few and each is the curator's to judge."""

    entities: int
    attributes: dict[str, int]
    accepted: dict[int, int]
    refused_groups: int
    refused: tuple[Refusal, ...]

    def lines(self) -> list[str]:
        """For people."""
        sources = ", ".join(f"{count} {source}" for source, count in self.attributes.items())
        sizes = ", ".join(f"{count} of {size}" for size, count in self.accepted.items()) or "none"
        return [
            f"{self.entities} entities, {sum(self.attributes.values())} attributes ({sources or 'none'})",
            f"groups accepted: {sizes}; refused: {self.refused_groups}",
            *(f"not taken over: {r.what}: {r.reason}; {r.detail}" for r in self.refused),
        ]


def mine(params: Mine, paths: Paths, track: Track = silent) -> MineSummary:
    """Write data/mined/: entities, attributes, groups, and what was refused.

    Class means are taken of the train split alone, so that nothing is learnt from the images that are searched.

    Raises:
        ProblemsError: mistakes in the knowledge files or the glosses; images of entities nobody described.
        FieldguideError: files that are missing; embeddings without the train split's images.
    """
    weights = params.weights
    if not weights.taxonomic + weights.lexical + weights.visual:
        raise FieldguideError("params.yaml: mine.weights: all are 0; at least one must be greater")
    knowledge = read_knowledge(paths.knowledge)
    synsets = read_glosses(paths.root / params.wordnet) if params.wordnet else []
    images = IMAGES.read(paths.images, ["image_id", "entity_id", "split"])
    counts = _photographs(images, knowledge, paths)
    merged = merge(knowledge, synsets)
    refused = [*_without_photographs(knowledge.entities, counts), *merged.refused]
    kept = [row for row in merged.entities if counts.get(row["entity_id"])]
    ids = {row["entity_id"] for row in kept}
    attributes = [row for row in merged.attributes if row["entity_id"] in ids]
    means = _class_means(images, Embeddings.open(paths.embeddings(params.encoder)), sorted(ids), track)
    groups = _groups(params, kept, counts, means, track)
    ENTITIES.write(paths.entities, ENTITIES.frame(kept))
    ATTRIBUTES.write(paths.attributes, ATTRIBUTES.frame(attributes))
    GROUPS.write(paths.groups, GROUPS.frame(sorted((g.row() for g in groups), key=lambda row: str(row["group_id"]))))
    write_records(paths.refused_knowledge, refused)
    return MineSummary(
        entities=len(kept),
        attributes=dict(sorted(Counter(row["source"] for row in attributes).items())),
        accepted=dict(sorted(Counter(len(group.entities) for group in groups if group.accepted).items())),
        refused_groups=sum(not group.accepted for group in groups),
        refused=tuple(refused),
    )


def _photographs(images: pd.DataFrame, knowledge: Knowledge, paths: Paths) -> dict[str, Counter[str]]:
    """Images of each entity by split.

    Raises:
        ProblemsError: images of entities that are not described, all of them.
    """
    known = images[images["entity_id"].notna()]
    counts: dict[str, Counter[str]] = {}
    for entity, split in zip(known["entity_id"], known["split"], strict=True):
        counts.setdefault(entity, Counter())[split] += 1
    problems = [
        Problem(str(paths.images), f"{counts[entity].total()} images show {entity!r}, which {knowledge.file} lacks")
        for entity in sorted(counts.keys() - knowledge.entities.keys())
    ]
    if problems:
        headline = f"images of entities that nobody described; add them to {paths.knowledge / knowledge.file}:"
        raise ProblemsError(headline, problems)
    return counts


def _without_photographs(entities: Mapping[str, Entity], counts: Mapping[str, Counter[str]]) -> list[Refusal]:
    """Why an entity takes no part at all, or in no group."""
    refused = []
    for entity_id, entity in sorted(entities.items()):
        found = counts.get(entity_id)
        if not found:
            refused.append(Refusal(entity_id, "no-photographs", f"no image of the corpus shows {entity.name}"))
        elif not found["train"]:
            detail = f"no image of the train split shows {entity.name}: it has no class mean, so it is in no group"
            refused.append(Refusal(entity_id, "no-train-photographs", detail))
    return refused


def _class_means(
    images: pd.DataFrame, embeddings: Embeddings, entities: list[str], track: Track
) -> dict[str, npt.NDArray[np.float64]]:
    train = images[(images["split"] == "train") & images["entity_id"].isin(entities)]
    vectors = {
        str(entity): embeddings.rows("image", sorted(members["image_id"]))
        for entity, members in track(train.groupby("entity_id"), "class means", unit="entities")
    }
    return similarity.class_means(vectors)


def _groups(
    params: Mine,
    entities: list[dict[str, Any]],
    counts: Mapping[str, Counter[str]],
    means: Mapping[str, npt.NDArray[np.float64]],
    track: Track,
) -> list[Group]:
    comparable = [row for row in entities if row["entity_id"] in means]
    if not comparable:
        return []
    taxonomy = {row["entity_id"]: row["taxonomy"] for row in comparable}
    judge = Judge(
        params,
        {row["entity_id"]: row["name"] for row in comparable},
        taxonomy,
        frozenset(entity for entity in taxonomy if counts[entity]["gallery"]),
    )
    lexical = similarity.Lexical({r["entity_id"]: f"{r['name']}. {r['description'] or ''}" for r in comparable})
    pairs = track(related_pairs(taxonomy), "scoring pairs", unit="pairs")
    return find_groups(judge, pairs, lexical, lambda a, b: similarity.visual(means[a], means[b]))
