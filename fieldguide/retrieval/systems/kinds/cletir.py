"""CLETIR: drawings aggregated to one query vector, their similarity fused with the text's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.models.networks import stored
from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.search import Floats, similarities, unit
from fieldguide.retrieval.systems.centring import Centring
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import same_space
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.cletir import CletirSystem

Aggregate = Callable[[Floats], Floats]  # (k, d) drawings to (1, d), unit rows


@dataclass(frozen=True)
class _Trained:
    """What a subtopic is ranked with: nothing of it was learnt from its own entity."""

    aggregate: Aggregate
    weight: float


@system("cletir")
def cletir(spec: CletirSystem, collection: SearchCollection) -> CandidateScorer:
    """Category-level retrieval (Khan, Stojnić, Laskar, Elhoseiny and Tolias, BMVC 2025, arXiv 2509.00177).

    score = w cos(aggregated drawings, photograph) + (1 - w) cos(text, photograph), the first in an image space, the
    second in a text-to-image space. Untrained: the average of the drawings, and a fixed weight w. Learnt: the
    aggregation network and w = sigma(p), trained on all entities but those of the subtopic's own fold.
    """
    space = Centring(spec, collection)
    told, texts = collection.images(spec.text_encoder), collection.queries(spec.text_encoder)
    same_space(told, texts)
    told_rows = told.find("image", collection.gallery)
    revisions = {spec.encoder: space.images.meta.revision, spec.text_encoder: told.meta.revision}
    trained = _networks(spec, collection, revisions) if spec.learns else lambda entity: _untrained(spec)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        drawings = collection.drawings_of(subtopic, spec.images)
        if not drawings:
            return None
        use = trained(subtopic.entity_id)
        query = use.aggregate(space.drawings(subtopic, space.queries.rows("drawing", drawings)))
        words = texts.rows(spec.query, [text_key(collection.text_of(subtopic, spec.query))])
        centre = space.photographs(subtopic)
        by_image = similarities(query, space.images.vectors, space.rows[candidates], centre)[0]
        by_text = similarities(words, told.vectors, told_rows[candidates])[0]
        fused: npt.NDArray[np.float64] = use.weight * by_image.astype(np.float64) + (1 - use.weight) * by_text
        return fused

    return score


def average(drawings: Floats) -> Floats:
    """(k, d) to (1, d): the mean, of unit length."""
    return unit(drawings.mean(axis=0, keepdims=True))


def _untrained(spec: CletirSystem) -> _Trained:
    if spec.weight == "learnt":
        raise ValueError("the weight is learnt")
    return _Trained(average, spec.weight)


def _networks(
    spec: CletirSystem, collection: SearchCollection, revisions: Mapping[str, str]
) -> Callable[[str], _Trained]:
    """By entity: what was trained without it. An entity that was in no fold is new to every network.

    Raises:
        FieldguideError: nothing is trained.
        ProblemsError: it was trained on other vectors, or for other drawings, than those that are here.
    """
    from fieldguide.models.networks.aggregation import load_aggregation

    folder = collection.paths.cletir / str(spec.network)
    if not (folder / stored.CONFIG).exists():
        raise FieldguideError(f"{folder}: nothing is trained here; `dvc repro train_cletir@{spec.network}` does it")
    config: dict[str, Any] = read_json(folder / stored.CONFIG)
    if problems := list(_differences(config, spec, revisions)):
        raise ProblemsError(f"{folder}: was trained for something else; run `dvc repro`:", problems)
    folds: dict[str, int] = config["folds"]
    known: dict[int, _Trained] = {}

    def trained(entity: str) -> _Trained:
        fold = folds.get(entity, 0)
        if fold not in known:
            known[fold] = _load(spec, load_aggregation(folder / f"fold-{fold}"))
        return known[fold]

    return trained


def _load(spec: CletirSystem, network: Any) -> _Trained:
    import torch

    from fieldguide.models.loading.parallel import one_thread

    def aggregate(drawings: Floats) -> Floats:
        with one_thread(), torch.inference_mode():  # torch's threads wait for numpy's: four times as long
            made: npt.NDArray[np.float64] = network(torch.from_numpy(drawings).double()[None]).numpy()
        return made.astype(np.float32)

    weight = float(network.weight.detach()) if spec.weight == "learnt" else spec.weight
    return _Trained(aggregate if spec.aggregation == "learnt" else average, weight)


def _differences(config: Mapping[str, Any], spec: CletirSystem, revisions: Mapping[str, str]) -> list[Problem]:
    wanted: dict[str, object] = {"encoder": spec.encoder, "text_encoder": spec.text_encoder, "query": spec.query}
    wanted |= {"centre": spec.centre != "none", "revisions": dict(revisions)}
    return [
        Problem(f"systems.{spec.network}", f"{key} was {config.get(key)!r}, here it is {value!r}")
        for key, value in wanted.items()
        if config.get(key) != value
    ]
