"""What there is to encode about the topics."""

from __future__ import annotations

from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import Item, drawing_items, text_items, twin_items, word_items
from fieldguide.models.loading.protocols import Encoder
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.topics import RECOMPOSED, read_components, read_phrases, read_topics


def query_items(encoder: Encoder, paths: Paths) -> list[Item]:
    """Questions, phrases, expansions, components, captions, drawings and twins, as far as it can encode them."""
    items = []
    if "text" in encoder.modalities:
        items += text_items(read_topics(paths.topics), read_phrases(paths.phrases))
        items += word_items("expansion", (phrase.text for phrase in read_phrases(paths.expansions)))
        items += word_items("component", (component.text for component in read_components(paths.components)))
        items += word_items("caption", CAPTIONS.read(paths.captions)["text"].dropna())
        items += word_items("recomposed", RECOMPOSED.read(paths.recomposed)["text"].dropna())
    if "image" in encoder.modalities:
        items += drawing_items(DRAWINGS.read(paths.drawings), paths)
        items += twin_items(DRAWINGS.read(paths.twins), paths)
    return items
