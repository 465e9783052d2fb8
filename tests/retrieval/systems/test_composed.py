"""Captions and composed queries against their papers' formulas, written again in plain steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.topics import RECOMPOSED
from fieldguide.retrieval.systems.collection import SearchCollection
from tests.builders import ENCODER, rewrite
from tests.retrieval.systems.worlds import Vectors, same, scores, unit


@pytest.mark.parametrize("query", ["question", "phrase"])
def test_captions_are_compared_text_to_text(paths: Paths, query: Any) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    found = scores(paths, kind="caption", encoder=ENCODER, query=query)
    for subtopic in collection.subtopics:
        asked = vectors(query, collection.text_of(subtopic, query))
        wanted = {i: float(asked @ vectors("caption", collection.captions[i])) for i in collection.gallery}
        assert same(found[subtopic.subtopic_id], wanted)


def _refuse_first_caption(paths: Paths) -> str:
    refused = SearchCollection(paths).gallery[0]
    rewrite(
        CAPTIONS, paths.captions,
        text=lambda f: [None if k == refused else t for k, t in zip(f["key"], f["text"], strict=True)],
        status=lambda f: ["failed" if k == refused else "ok" for k in f["key"]],
        reason=lambda f: ["it refused" if k == refused else None for k in f["key"]],
    )  # fmt: skip
    return refused


@pytest.mark.parametrize("kind", ["caption", "weimocir"])
def test_a_photograph_without_a_caption_is_not_ranked_and_changes_no_others_score(paths: Paths, kind: str) -> None:
    values = {"kind": kind, "encoder": ENCODER, "query": "phrase", **({"images": 2} if kind == "weimocir" else {})}
    before = scores(paths, **values)
    refused = _refuse_first_caption(paths)
    after = scores(paths, **values)
    assert after == {s: {i: v for i, v in images.items() if i != refused} for s, images in before.items()}


def test_captions_that_were_never_made_are_asked_for(paths: Paths) -> None:
    CAPTIONS.write(paths.captions, CAPTIONS.frame([]))
    with pytest.raises(FieldguideError, match=r"name a captioner in params.yaml \(caption.captioner\)"):
        scores(paths, kind="caption", encoder=ENCODER, query="phrase")


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.1), (0.0, 0.0), (1.0, 0.3), (0.2, 1.0)])
def test_weimocir(paths: Paths, alpha: float, beta: float) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    found = scores(paths, kind="weimocir", encoder=ENCODER, images=2, query="phrase", alpha=alpha, beta=beta)
    for subtopic in collection.subtopics:
        text = vectors("phrase", collection.phrases[subtopic.subtopic_id])
        queries = [
            unit((1 - alpha) * vectors("drawing", d) + alpha * text) for d in collection.drawings_of(subtopic, 2)
        ]
        wanted = {
            i: float(
                np.mean([
                    (1 - beta) * q @ vectors("image", i) + beta * q @ vectors("caption", collection.captions[i])
                    for q in queries
                ])
            )
            for i in collection.gallery
        }  # fmt: skip
        assert same(found[subtopic.subtopic_id], wanted)


def test_weimocir_of_drawings_alone_is_visret_and_of_text_alone_is_text(paths: Paths) -> None:
    base = {"kind": "weimocir", "encoder": ENCODER, "images": 2, "beta": 0.0}
    visret = scores(paths, kind="visret", encoder=ENCODER, images=2, fusion="mean", centre="topics")
    assert all(same(found, visret[s]) for s, found in scores(paths, **base, alpha=0.0, centre="topics").items())
    text = scores(paths, kind="text", encoder=ENCODER, query="phrase")
    assert all(same(found, text[s]) for s, found in scores(paths, **base, alpha=1.0).items())


def _pdv(vectors: Vectors, collection: SearchCollection, subtopic: Any, a: tuple[float, float], beta: float) -> Any:
    for drawing, recomposed in collection.recomposed(subtopic, 2).items():
        base = vectors("caption", collection.captions[drawing])
        direction = vectors("recomposed", recomposed) - base
        image = unit(vectors("drawing", drawing) + a[0] * direction)
        yield unit((1 - beta) * image + beta * unit(base + a[1] * direction))


@pytest.mark.parametrize(("alphas", "beta"), [((1.0, 1.0), 0.5), ((0.3, 1.7), 0.2)])
def test_pdv(paths: Paths, alphas: tuple[float, float], beta: float) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    values = {"alpha_image": alphas[0], "alpha_text": alphas[1], "beta": beta}
    found = scores(paths, kind="pdv", encoder=ENCODER, images=2, **values)
    for subtopic in collection.subtopics:
        queries = list(_pdv(vectors, collection, subtopic, alphas, beta))
        wanted = {i: _mean(queries, vectors("image", i)) for i in collection.gallery}
        assert same(found[subtopic.subtopic_id], wanted)


def test_pdv_of_text_alone_is_cirevl_and_of_an_unmoved_drawing_is_visret(paths: Paths) -> None:
    base = {"kind": "pdv", "encoder": ENCODER, "images": 2}
    cirevl = scores(paths, kind="cirevl", encoder=ENCODER, images=2)
    for subtopic, found in scores(paths, **base, beta=1.0).items():
        assert same(found, cirevl[subtopic])
    visret = scores(paths, kind="visret", encoder=ENCODER, images=2, fusion="mean", centre="kind")
    for subtopic, found in scores(paths, **base, beta=0.0, alpha_image=0.0, centre="kind").items():
        assert same(found, visret[subtopic])


def test_cirevl(paths: Paths) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    found = scores(paths, kind="cirevl", encoder=ENCODER, images=2)
    for subtopic in collection.subtopics:
        queries = [vectors("recomposed", text) for text in collection.recomposed(subtopic, 2).values()]
        assert same(found[subtopic.subtopic_id], {i: _mean(queries, vectors("image", i)) for i in collection.gallery})


def _mean(queries: list[npt.NDArray[np.float64]], image: npt.NDArray[np.float64]) -> float:
    return float(np.mean([query @ image for query in queries]))


@pytest.mark.parametrize("kind", ["visret", "weimocir", "pdv", "cirevl"])
def test_what_failed_is_left_out_and_a_subtopic_without_any_drawing_has_no_line(paths: Paths, kind: str) -> None:
    values = {"kind": kind, "encoder": ENCODER, "fusion": "mean"}
    drawings, subtopics = DRAWINGS.read(paths.drawings), SearchCollection(paths).subtopics
    lost = SearchCollection(paths).phrases[subtopics[0].subtopic_id]
    one = scores(paths, **values, images=1)
    rewrite(DRAWINGS, paths.drawings, status=["ok" if n == 0 else "failed" for n in drawings["index"]])
    assert scores(paths, **values, images=2) == one
    rewrite(DRAWINGS, paths.drawings, status=["failed" if p == lost else "ok" for p in drawings["prompt"]])
    found = scores(paths, **values, images=2)
    assert {s.subtopic_id for s in subtopics} - found.keys() == {
        s for s, phrase in SearchCollection(paths).phrases.items() if phrase == lost
    }


def test_a_drawing_that_was_not_recomposed_is_left_out(paths: Paths) -> None:
    collection = SearchCollection(paths)
    subtopic = collection.subtopics[0]
    first, second = collection.drawings_of(subtopic, 2)
    rewrite(RECOMPOSED, paths.recomposed, status=lambda f: ["failed" if d == second else "ok" for d in f["drawing_id"]])
    again = SearchCollection(paths)
    assert list(again.recomposed(subtopic, 2)) == [first]
    vectors = Vectors(paths)
    query = vectors("recomposed", again.recomposed(subtopic, 2)[first])
    found = scores(paths, kind="cirevl", encoder=ENCODER, images=2)[subtopic.subtopic_id]
    assert same(found, {i: float(query @ vectors("image", i)) for i in again.gallery})


def test_expansions_are_searched_for_together(paths: Paths) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    found = scores(paths, kind="text", encoder=ENCODER, query="expansion", fusion="max")
    for subtopic in collection.subtopics:
        phrase = collection.phrases[subtopic.subtopic_id]
        queries = [vectors("phrase", phrase), *(vectors("expansion", f"{phrase}, {n}") for n in (1, 2))]
        wanted = {i: float(max(q @ vectors("image", i) for q in queries)) for i in collection.gallery}
        assert same(found[subtopic.subtopic_id], wanted)
