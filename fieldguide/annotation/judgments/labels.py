"""The dataset-label judge: grades from the data set's label of each photograph, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fieldguide.annotation.judgments.guidelines import DATASET_LABEL
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.records.topics import Subtopic

ASSESSOR = "dataset-label"


def judge(pools: pd.DataFrame, subtopics: Mapping[str, Subtopic], images: pd.DataFrame) -> list[Judgment]:
    """Judge the whole gallery: grade 1 if an image's entity_id is the subtopic's entity, else 0.

    An image that is neither pooled nor relevant gets no line, or there would be one for every image and subtopic:
    grades.json says that the judgments are complete, so that what has no line is known to be not relevant.

    Args:
        pools: records.POOLS.
        subtopics: by subtopic_id.
        images: records.IMAGES.

    Returns:
        Judgments without a time (nobody judged) of all images that are pooled or relevant, in the order of
        (subtopic_id, image_id).

    Raises:
        ProblemsError: pooled subtopics or images that do not exist; all of them.
    """
    entities = dict(zip(images["image_id"], images["entity_id"], strict=True))
    pairs = sorted(zip(pools["subtopic_id"], pools["image_id"], strict=True))
    problems = [
        *(
            Problem(s, "is pooled and no subtopic of the topics")
            for s in sorted({s for s, _ in pairs} - set(subtopics))
        ),
        *(Problem(i, "is pooled and no image of the corpus") for i in sorted({i for _, i in pairs} - set(entities))),
    ]
    if problems:
        raise ProblemsError("the pools do not fit topics and corpus; `dvc repro` makes them anew:", problems)
    gallery = images[images["split"] == "gallery"]
    showing = {str(entity): list(part) for entity, part in gallery.groupby("entity_id")["image_id"]}
    relevant = {(s, i) for s, subtopic in subtopics.items() for i in showing.get(subtopic.entity_id, ())}
    return [_judgment(s, i, entities[i] == subtopics[s].entity_id) for s, i in sorted(relevant.union(pairs))]


def _judgment(subtopic_id: str, image_id: str, relevant: bool) -> Judgment:
    choice = "relevant" if relevant else "not-relevant"
    return Judgment(
        subtopic_id=subtopic_id,
        image_id=image_id,
        assessor=ASSESSOR,
        grade=DATASET_LABEL.choices[choice],
        choice=choice,
        guideline=DATASET_LABEL.version,
    )
