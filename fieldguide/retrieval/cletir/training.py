"""Training CLETIR's aggregation networks, each on the entities of all folds but its own.

Every subtopic is then ranked by a network that has never met its entity, and the run covers all of them. The code
published with the paper holds no training: the loss is the contrastive loss with many positives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_directory, write_json
from fieldguide.core.progress import Track, silent
from fieldguide.models.networks import stored
from fieldguide.models.networks.aggregation import Aggregation, save_aggregation
from fieldguide.retrieval.cletir.examples import CletirExamples
from fieldguide.retrieval.cletir.section import TrainCletir
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.sections.cletir import CletirSystem


def deal_folds(entities: Sequence[str], folds: int, seed: int) -> dict[str, int]:
    """Which fold each entity is in, as evenly as can be.

    Raises:
        FieldguideError: there are fewer than two entities, or fewer than folds.
    """
    if len(entities) < max(folds, 2):
        raise FieldguideError(
            f"train_cletir: {len(entities)} entities have drawings and train photographs, which is too few for "
            f"{folds} folds; set train_cletir.folds to at most their number, or draw more entities"
        )
    order = np.random.default_rng(seed).permutation(len(entities))
    return {entities[entity]: place % folds for place, entity in enumerate(order.tolist())}


def train_folds(
    examples: CletirExamples, folds: Mapping[str, int], centre: bool, recipe: TrainCletir, track: Track = silent
) -> Iterator[tuple[int, Aggregation]]:
    """A network for each fold, trained without its entities.

    On one kind of processor the same input gives the same weights; the caller has torch compute on one thread.
    """
    numbers = sorted(set(folds.values()))
    for fold in track(numbers, "training CLETIR", unit="folds", total=len(numbers)):
        held_out = [n for n, entity in enumerate(examples.entities) if folds[entity] == fold]
        yield fold, train_aggregation(examples.without(held_out, centre), recipe)


def train_aggregation(examples: CletirExamples, recipe: TrainCletir) -> Aggregation:
    """Fit aggregation and weight by the contrastive loss with many positives (Khosla et al., arXiv 2004.11362, L_out).

    Positives of a phrase are all photographs of its entity; a phrase's score of a photograph is CLETIR's:
    sigma(p) cos(aggregated drawings, photograph) + (1 - sigma(p)) cos(text, photograph). Phrases whose number of
    drawings differs (some failed) are not mixed in a step.
    """
    rng = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    network = Aggregation(examples.photographs.shape[1])
    optimizer = torch.optim.Adam(
        [
            {"params": network.layers.parameters(), "lr": recipe.learning_rate},
            {"params": [network.p], "lr": recipe.weight_learning_rate},
        ]
    )
    photographs, told = torch.from_numpy(examples.photographs.T.copy()), torch.from_numpy(examples.told.T.copy())
    shown = torch.from_numpy(examples.shown)
    sizes = np.array([len(vectors) for vectors in examples.drawings])
    for _ in range(recipe.steps):
        alike = np.flatnonzero(sizes == sizes[rng.integers(len(sizes))])
        chosen = rng.choice(alike, min(recipe.batch, len(alike)), replace=False)
        drawings = torch.from_numpy(np.stack([examples.drawings[n] for n in chosen]))
        by_image, by_text = network(drawings) @ photographs, torch.from_numpy(examples.texts[chosen]) @ told
        scores = network.weight * by_image + (1 - network.weight) * by_text
        chances = functional.log_softmax(scores / recipe.temperature, dim=1)
        positive = torch.from_numpy(examples.asked[chosen])[:, None] == shown[None]
        loss = -((chances * positive).sum(1) / positive.sum(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def save_folds(
    folder: Path,
    spec: CletirSystem,
    collection: SearchCollection,
    recipe: TrainCletir,
    folds: Mapping[str, int],
    networks: Iterable[tuple[int, Aggregation]],
) -> list[float]:
    """Write the networks in half precision, and config.json with all that they hang on; the folder is replaced whole.

    Returns:
        The weight of the image space that each learnt.
    """
    weights = []
    with atomic_directory(folder) as temporary:
        for fold, network in networks:
            save_aggregation(temporary / f"fold-{fold}", network)
            weights.append(float(network.weight.detach()))
        encoders = (spec.encoder, spec.text_encoder)
        config = {
            "encoder": spec.encoder,
            "text_encoder": spec.text_encoder,
            "revisions": {name: collection.images(name).meta.revision for name in encoders},
            "query": spec.query,
            "images": spec.images,
            "centre": spec.centre != "none",
            "folds": dict(folds),
            "weights": weights,
            "recipe": recipe.model_dump(mode="json", exclude={"systems"}),
        }
        write_json(temporary / stored.CONFIG, config)
    return weights
