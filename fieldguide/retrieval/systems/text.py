"""Text to image: similarity of the question or the phrase with the photographs in one space."""

from __future__ import annotations

from fieldguide.files import sha256_bytes
from fieldguide.params.systems import TextSystem
from fieldguide.records import Subtopic
from fieldguide.retrieval.search import Floats
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.comparison import Comparison, same_space
from fieldguide.retrieval.systems.registry import Scorer, system


@system("text")
def text(spec: TextSystem, collection: Collection) -> Scorer:
    """Cosine similarity of the question or phrase with the photographs, in one text-to-image space."""
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)

    def query(subtopic: Subtopic) -> Floats:
        words = subtopic.topic.text if spec.query == "question" else collection.phrases[subtopic.subtopic_id]
        return queries.rows(spec.query, [sha256_bytes(words.encode())])

    return Comparison(images, images.find("image", collection.gallery), query, lambda found, _: found[0])
