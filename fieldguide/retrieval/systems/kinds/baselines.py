"""Baselines that use nothing of what images show, and runs that were made elsewhere."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.records.images import IMAGES
from fieldguide.records.runs import read_run
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.baselines import ConstantSystem, FileOrderSystem, RandomSystem, RunSystem

_SHOWN = 20


@system("random")
def random(spec: RandomSystem, collection: SearchCollection) -> CandidateScorer:
    """Uniform scores, to tell a measure's value by chance. A subtopic's depend on its id and the seed alone."""

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        digest = hashlib.sha256(f"{spec.seed} {subtopic.subtopic_id}".encode()).digest()
        values = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32)).random(len(collection.gallery))
        chosen: npt.NDArray[np.float64] = values[candidates]
        return chosen

    return score


@system("constant")
def constant(spec: ConstantSystem, collection: SearchCollection) -> CandidateScorer:
    """Every image scores 0: the run is ordered by image_id alone, and no measure may find more in it than chance."""

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        return np.zeros(len(candidates), dtype=np.float32)

    return score


@system("file-order")
def file_order(spec: FileOrderSystem, collection: SearchCollection) -> CandidateScorer:
    """Images in the order of (source, source_key), the first best. Better than chance: names give answers away."""
    columns = ["image_id", "source", "source_key"]
    images = IMAGES.read(collection.paths.images, columns).set_index("image_id").loc[list(collection.gallery)]
    place = np.empty(len(images), dtype=np.float64)
    place[np.lexsort((images["source_key"].astype(str), images["source"].astype(str)))] = np.arange(len(images))

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        # A run's scores are float32, which holds whole numbers up to 16 million exactly.
        chosen: npt.NDArray[np.float64] = -place[candidates]
        return chosen

    return score


@system("run")
def run_file(spec: RunSystem, collection: SearchCollection) -> CandidateScorer:
    """The scores of data/external/FILE. What it does not rank for a subtopic stays unranked.

    Raises:
        FieldguideError: no such file, or (ProblemsError) not a run; it names subtopics or images that are not ours.
    """
    path = collection.paths.external / spec.file
    run = read_run(path)
    place = {image_id: row for row, image_id in enumerate(collection.gallery)}
    strangers = {
        "subtopic": sorted(set(run["subtopic_id"]) - {subtopic.subtopic_id for subtopic in collection.subtopics}),
        "image": sorted(set(run["image_id"]) - place.keys()),
    }
    there = {"subtopic": "data/topics", "image": "the gallery"}
    problems = [
        Problem(str(path), f"{what} {name} is not in {there[what]}")
        for what, names in strangers.items()
        for name in names[:_SHOWN]
    ]
    if problems:
        counts = " and ".join(f"{len(names)} {what}s" for what, names in strangers.items() if names)
        raise ProblemsError(f"{path}: the run is of another collection: {counts} unknown, such as", problems)
    scores = {
        str(subtopic): (np.array([place[image] for image in lines["image_id"]]), lines["score"].to_numpy())
        for subtopic, lines in run.groupby("subtopic_id", observed=True)
    }

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        if subtopic.subtopic_id not in scores:
            return None
        rows, values = scores[subtopic.subtopic_id]
        everything = np.full(len(collection.gallery), np.nan)
        everything[rows] = values
        chosen: npt.NDArray[np.float64] = everything[candidates]
        return chosen

    return score
