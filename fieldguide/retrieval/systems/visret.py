"""Visualize, then retrieve: the drawings of the phrase against the photographs, image to image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.errors import FieldguideError
from fieldguide.params.systems import VisretSystem
from fieldguide.records import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import Floats, centred, mean, reached
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.comparison import Comparison, same_space
from fieldguide.retrieval.systems.registry import Rows, Scorer, system


@system("visret")
def visret(spec: VisretSystem, collection: Collection) -> Scorer:
    """Visualize, then retrieve: similarity of the phrase's drawings with the photographs, image to image.

    Drawings and photographs sit in two shifted clouds of the image space. With `centre`, each loses its own
    domain's mean before the cosine (params.VisretSystem says which). No labels are used.
    """
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)
    rows = images.find("image", collection.gallery)
    gallery_mean: Floats | None = None
    drawing_mean: Floats | None = None
    if spec.centre != "none":
        purpose = "topic" if spec.centre == "topics" else "generic"
        centring = collection.drawing_ids(spec.images, purpose=purpose)
        if not centring:
            raise FieldguideError(
                f"centre: {spec.centre} needs drawings of {purpose} prompts and there are none; "
                "set visualize.generic_prompts in params.yaml, or centre: topics"
            )
        drawing_mean = mean(queries.vectors, queries.find("drawing", centring))
        domain = rows
        if spec.reach is not None:
            drawn = queries.rows("drawing", collection.drawing_ids(spec.images, purpose="topic"))
            domain = rows[reached(drawn, images.vectors, rows, spec.reach)]
        gallery_mean = mean(images.vectors, domain)

    def drawn_of(subtopic: Subtopic) -> Floats | None:
        phrase = collection.phrases[subtopic.subtopic_id]
        drawings = collection.drawing_ids(spec.images, purpose="topic", prompt=phrase)
        if not drawings:
            return None
        vectors = queries.rows("drawing", drawings)
        return vectors if drawing_mean is None else centred(vectors, drawing_mean)

    def combine(found: Floats, candidates: Rows) -> npt.NDArray[np.floating]:
        return fuse(found, candidates, spec.fusion, spec.c)  # rows of a sorted gallery sort as its ids do

    return Comparison(images, rows, drawn_of, combine, gallery_mean)
