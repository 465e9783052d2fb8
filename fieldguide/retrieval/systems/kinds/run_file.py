"""A run that was made elsewhere, scored beside our own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.records.runs import read_run
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, Scorer, system
from fieldguide.retrieval.systems.sections.baselines import RunSystem

_SHOWN = 20


@system("run")
def run_file(spec: RunSystem, collection: Collection) -> Scorer:
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
