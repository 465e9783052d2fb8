"""Paracosm against the paper's formula, written again in plain steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.embeddings import Embeddings, write_embeddings
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.ranking.kept import inputs_key
from fieldguide.retrieval.systems.collection import SearchCollection
from tests.builders import ENCODER, rewrite
from tests.retrieval.systems.worlds import Vectors, same, scores, section, twin, unit

VALUES: dict[str, Any] = {"kind": "paracosm", "encoder": ENCODER, "images": 2}


def by_hand(paths: Paths, subtopic: Subtopic, query: Any, weight: float) -> list[dict[str, float]]:
    """Score by image_id, for each drawing: the text is encoded, the twin found, by what the files say."""
    vectors, collection = Vectors(paths), SearchCollection(paths)
    found = []
    for drawing in collection.drawings_of(subtopic, 2):
        asked = vectors("drawing", drawing)
        if query != "none":
            described = unit(asked + vectors("caption", collection.captions[drawing]))
            asked = unit(weight * described + (1 - weight) * vectors(query, collection.text_of(subtopic, query)))
        ranked = {}
        for image in collection.gallery:
            drawn = vectors("twin", str(twin(collection.captions[image])["drawing_id"]))
            ranked[image] = float(asked @ unit(vectors("image", image) + drawn))
        found.append(ranked)
    return found


@pytest.mark.parametrize(
    ("query", "weight"), [("phrase", 0.3), ("question", 0.8), ("phrase", 0.0), ("question", 1.0), ("none", 0.3)]
)
@pytest.mark.parametrize("fusion", ["mean", "max"])
def test_paracosm(paths: Paths, query: str, weight: float, fusion: str) -> None:
    found = scores(paths, **VALUES, query=query, weight=weight, fusion=fusion)
    fuse = np.mean if fusion == "mean" else np.max
    subtopics = SearchCollection(paths).subtopics
    assert found.keys() == {subtopic.subtopic_id for subtopic in subtopics}
    for subtopic in subtopics:
        single = by_hand(paths, subtopic, query, weight)
        wanted = {image: float(fuse([ranked[image] for ranked in single])) for image in single[0]}
        assert same(found[subtopic.subtopic_id], wanted)


def test_the_paper_s_weight_holds_where_none_is_given(paths: Paths) -> None:
    assert scores(paths, **VALUES) == scores(paths, **VALUES, query="phrase", weight=0.3, fusion="mean")
    assert scores(paths, **VALUES) != scores(paths, **VALUES, weight=0.4)


def test_ranks_are_those_among_photographs_with_a_twin(paths: Paths) -> None:
    _lose_first_twin(paths)
    found = scores(paths, **VALUES, fusion="rrf")
    assert all(len(images) == len(SearchCollection(paths).gallery) - 1 for images in found.values())


def _lose_first_twin(paths: Paths) -> str:
    collection = SearchCollection(paths)
    lost = collection.gallery[0]
    gone = collection.twins[lost]
    rewrite(DRAWINGS, paths.twins, status=lambda f: ["failed" if d == gone else "ok" for d in f["drawing_id"]])
    return lost


def _lose_first_caption(paths: Paths) -> str:
    lost = SearchCollection(paths).gallery[0]
    rewrite(CAPTIONS, paths.captions, status=lambda f: ["failed" if k == lost else "ok" for k in f["key"]])
    return lost


@pytest.mark.parametrize("lose", [_lose_first_twin, _lose_first_caption])
def test_a_photograph_without_a_twin_is_not_ranked_and_changes_no_others_score(paths: Paths, lose: Any) -> None:
    before = scores(paths, **VALUES)
    lost = lose(paths)
    wanted = {s: {image: v for image, v in images.items() if image != lost} for s, images in before.items()}
    assert scores(paths, **VALUES) == wanted


def test_photographs_with_one_caption_share_a_twin(paths: Paths) -> None:
    one, other = SearchCollection(paths).gallery[:2]
    text = SearchCollection(paths).captions[one]
    rewrite(CAPTIONS, paths.captions, text=lambda f: f["text"].where(f["key"] != other, text))
    again = SearchCollection(paths)
    assert again.twins[one] == again.twins[other]
    subtopic = again.subtopics[0]
    wanted = by_hand(paths, subtopic, "none", 0.3)[0]
    assert same(scores(paths, **VALUES | {"images": 1}, query="none")[subtopic.subtopic_id], wanted)


def test_a_drawing_without_a_caption_is_left_out_of_a_query_with_a_text_alone(paths: Paths) -> None:
    subtopic = SearchCollection(paths).subtopics[0]
    drawings = SearchCollection(paths).drawings_of(subtopic, 2)
    drawn = scores(paths, **VALUES, query="none")
    single = by_hand(paths, subtopic, "phrase", 0.3)
    rewrite(CAPTIONS, paths.captions, status=lambda f: ["failed" if k == drawings[0] else "ok" for k in f["key"]])
    assert same(scores(paths, **VALUES)[subtopic.subtopic_id], single[1])
    assert scores(paths, **VALUES, query="none") == drawn
    rewrite(CAPTIONS, paths.captions, status=lambda f: ["failed" if k in drawings else "ok" for k in f["key"]])
    assert subtopic.subtopic_id not in scores(paths, **VALUES)


def test_a_twin_that_is_its_photograph_s_opposite_resembles_nothing(paths: Paths) -> None:
    collection, old = SearchCollection(paths), Embeddings.open(paths.queries(ENCODER))
    image = collection.gallery[0]
    vectors = np.array(old.vectors)
    photographs = collection.images(ENCODER)
    vectors[old.find("twin", [collection.twins[image]])] = -photographs.vectors[photographs.find("image", [image])]
    keys = list(old.index[["kind", "key"]].itertuples(index=False, name=None))
    write_embeddings(
        paths.queries(ENCODER), keys, [(np.arange(len(keys), dtype=np.intp), vectors)],
        encoder=ENCODER, revision=old.meta.revision, dtype="float32", dimension=old.meta.dimension,
    )  # fmt: skip
    assert {images[image] for images in scores(paths, **VALUES).values()} == {0.0}


def test_twins_that_were_never_drawn_are_asked_for(paths: Paths) -> None:
    DRAWINGS.write(paths.twins, DRAWINGS.frame([]))
    with pytest.raises(FieldguideError, match=r"no photograph of the gallery has a twin: set caption.twins"):
        scores(paths, **VALUES)


def test_other_twins_rank_it_anew_and_no_other_system(paths: Paths) -> None:
    mine, other = section(**VALUES), section(kind="visret", encoder=ENCODER, images=2)
    before = [inputs_key(one, paths) for one in (mine, other)]
    _lose_first_twin(paths)
    after = [inputs_key(one, paths) for one in (mine, other)]
    assert (before[0] != after[0], before[1] != after[1]) == (True, False)


def test_it_says_what_it_does_and_is_not_centred() -> None:
    told = section(**VALUES).description
    assert (
        told
        == "2 drawings and text of the phrase as one query, photographs with their twins (Paracosm), mean similarity"
    )
    with pytest.raises(ValueError, match="centre"):
        section(**VALUES, centre="topics")
