"""What is shown in each context, on the benchmark in miniature."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from fieldguide.answering.contexts.choosing import GOLD_ORDERS, Chooser, Context, NothingToShowError, contexts, orders
from fieldguide.answering.contexts.material import Material
from fieldguide.answering.question import Question, Shown
from fieldguide.answering.section import CONTEXTS, Answer
from fieldguide.core.files import sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import QRELS
from fieldguide.records.runs import read_run
from fieldguide.records.topics import Topic, read_phrases, read_topics, write_records
from tests.answering.benchmark import ask, chooser, in_order
from tests.builders import rewrite


@pytest.fixture(scope="module")
def truth(paths: Paths) -> dict[str, dict[str, set[str]]]:
    """Image_ids read off the tables by this test's own means: by subtopic, entity and split."""
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    images = IMAGES.read(paths.images)
    gallery = images[images["split"] == "gallery"]
    made: dict[str, dict[str, set[str]]] = {"relevant": {}, "judged": {}, "entity": {}}
    for subtopic, image, grade in qrels[["subtopic_id", "image_id", "grade"]].itertuples(index=False, name=None):
        made["relevant" if grade > 0 else "judged"].setdefault(subtopic, set()).add(image)
    for image, entity in gallery[["image_id", "entity_id"]].itertuples(index=False, name=None):
        made["entity"].setdefault(entity or "", set()).add(image)
    return made


def topics(paths: Paths, *, pairs: bool = True) -> list[Topic]:
    return [topic for topic in read_topics(paths.topics) if (len(topic.entities) > 1) == pairs]


def keys(shown: Sequence[Shown]) -> list[str]:
    return [one.key for one in shown]


def by_subtopic(question: Question) -> dict[str, list[str]]:
    return {entity.subtopic_id: keys(entity.shown) for entity in question.entities}


def every(chooser: Chooser, context: str | Context, order: str = "ranked") -> dict[str, list[str]]:
    """What is shown for each subtopic of the topics about two entities."""
    asked = context if isinstance(context, Context) else Context(context)
    found: dict[str, list[str]] = {}
    for topic in topics(chooser.material.paths):
        (question,) = chooser.questions(topic, asked, [order])
        found |= by_subtopic(question)
    return found


def caption(paths: Paths, lacking: Sequence[str] = ()) -> None:
    """Caption the whole gallery, and fail on some."""
    images = IMAGES.read(paths.images)
    rows = [
        {
            "kind": "image", "key": image, "captioner": "c", "revision": "r",
            "text": None if image in lacking else f"words about {image}",
            "status": "failed" if image in lacking else "ok", "reason": "dark" if image in lacking else None,
        }
        for image in images["image_id"]
    ]  # fmt: skip
    paths.captions.parent.mkdir(parents=True, exist_ok=True)
    CAPTIONS.write(paths.captions, CAPTIONS.frame(rows))


def test_none_shows_nothing(paths: Paths) -> None:
    assert set(map(tuple, every(chooser(paths), "none").values())) == {()}


def test_gold_shows_relevant_images_alone(paths: Paths, truth: dict[str, dict[str, set[str]]]) -> None:
    for subtopic, shown in every(chooser(paths), "gold").items():
        assert len(set(shown)) == len(shown) == 3
        assert set(shown) <= truth["relevant"][subtopic]


def test_fewer_are_the_first_of_more(paths: Paths) -> None:
    for name in ("gold", "negatives", "others"):
        one, three = every(chooser(paths, images=1), name), every(chooser(paths, images=3), name)
        assert one == {subtopic: shown[:1] for subtopic, shown in three.items()}


def test_negatives_show_judged_images_that_are_not_relevant(
    paths: Paths, truth: dict[str, dict[str, set[str]]]
) -> None:
    for subtopic, shown in every(chooser(paths), "negatives").items():
        assert len(shown) == 3
        assert set(shown) <= truth["judged"][subtopic] - truth["relevant"][subtopic]


def test_negatives_are_of_the_same_entity_where_there_are_any(own_paths: Paths) -> None:
    (first, *_) = topics(own_paths)
    subtopic = first.subtopics[0].subtopic_id
    held = sorted(Material(own_paths).relevant[subtopic])
    rewrite(
        QRELS, own_paths.qrels / "qrels.parquet",
        grade=lambda frame: [
            0 if (s, i) == (subtopic, held[0]) else g
            for s, i, g in zip(frame["subtopic_id"], frame["image_id"], frame["grade"], strict=True)
        ],
    )  # fmt: skip
    assert every(chooser(own_paths), "negatives")[subtopic] == [held[0]]


def test_others_show_entities_that_the_question_does_not_name(
    paths: Paths, truth: dict[str, dict[str, set[str]]]
) -> None:
    choosing = chooser(paths)
    for topic in topics(paths):
        allowed = set().union(*(i for e, i in truth["entity"].items() if e and e not in topic.entities))
        for shown in by_subtopic(in_order(choosing, topic, Context("others"), "ranked")).values():
            assert len(shown) == 3
            assert set(shown) <= allowed


def test_distractors_are_not_relevant_and_not_of_the_named_entities(
    paths: Paths, truth: dict[str, dict[str, set[str]]]
) -> None:
    choosing = chooser(paths)
    for topic in topics(paths):
        allowed = set().union(*(i for e, i in truth["entity"].items() if e not in topic.entities))
        for subtopic, shown in by_subtopic(in_order(choosing, topic, Context("distractors"), "ranked")).items():
            assert len(set(shown)) == 4
            assert set(shown) <= allowed - truth["relevant"][subtopic]


@pytest.mark.parametrize(("order", "place"), [("ranked", 0), ("gold-first", 0), ("gold-middle", 2), ("gold-last", 4)])
def test_one_relevant_image_among_distractors(
    paths: Paths, truth: dict[str, dict[str, set[str]]], order: str, place: int
) -> None:
    choosing = chooser(paths)
    among, alone = every(choosing, "gold-among", order), every(choosing, "distractors")
    gold = every(chooser(paths, images=1), "gold")
    for subtopic, shown in among.items():
        assert [n for n, image in enumerate(shown) if image in truth["relevant"][subtopic]] == [place]
        assert shown[place] == gold[subtopic][0]
        assert shown[:place] + shown[place + 1 :] == alone[subtopic]


@pytest.mark.parametrize(("distractors", "middle"), [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_the_middle_of_few(paths: Paths, distractors: int, middle: int) -> None:
    choosing = chooser(paths, distractors=distractors)
    first, moved = every(choosing, "gold-among", "gold-first"), every(choosing, "gold-among", "gold-middle")
    for subtopic, shown in moved.items():
        assert len(shown) == distractors + 1
        assert shown[middle] == first[subtopic][0]


def test_swapped_shows_each_entity_s_gold_as_the_other_s(paths: Paths) -> None:
    choosing = chooser(paths)
    for topic in topics(paths):
        gold = in_order(choosing, topic, Context("gold"), "ranked")
        swapped = in_order(choosing, topic, Context("swapped"), "ranked")
        assert [e.name for e in swapped.entities] == [e.name for e in gold.entities]
        assert [keys(e.shown) for e in swapped.entities] == [keys(e.shown) for e in reversed(gold.entities)]
        assert not any(shown.relevant for shown in swapped.shown)  # it is not, of the entity it is shown for
        assert all(shown.relevant for shown in gold.shown)


def test_captions_stand_for_the_gold(own_paths: Paths) -> None:
    caption(own_paths)
    choosing = chooser(own_paths)
    for topic in topics(own_paths):
        told = in_order(choosing, topic, Context("captions"), "ranked")
        gold = in_order(choosing, topic, Context("gold"), "ranked")
        assert keys(told.shown) == keys(gold.shown)
        for one in told.shown:
            assert (one.kind, one.payload) == ("caption", f"words about {one.key}")
            assert one.content == sha256_bytes(str(one.payload).encode())
            assert one.relevant


def test_a_caption_that_failed_is_not_told(own_paths: Paths) -> None:
    choosing = chooser(own_paths)
    (first, *_) = topics(own_paths)
    gold = keys(in_order(choosing, first, Context("gold"), "ranked").entities[0].shown)
    caption(own_paths, lacking=gold[:1])
    told = in_order(chooser(own_paths), first, Context("captions"), "ranked")
    assert keys(told.entities[0].shown) == gold[1:]
    caption(own_paths, lacking=gold)
    with pytest.raises(NothingToShowError, match=f"nothing to show as captions for {first.entities[0]}"):
        in_order(chooser(own_paths), first, Context("captions"), "ranked")


def test_drawings_are_those_of_the_phrase(paths: Paths) -> None:
    table = DRAWINGS.read(paths.drawings)
    prompts = {phrase.subtopic_id: phrase.text for phrase in read_phrases(paths.phrases)}
    for subtopic, shown in every(chooser(paths), "drawings").items():
        own = table[table["prompt"] == prompts[subtopic]].sort_values("index")
        assert shown == list(own["drawing_id"])
    topic = topics(paths)[0]
    question = in_order(chooser(paths, images=1), topic, Context("drawings"), "ranked")
    assert [len(entity.shown) for entity in question.entities] == [1, 1]
    assert {(one.kind, one.relevant) for one in question.shown} == {("drawing", None)}


@pytest.mark.parametrize("track", ["fullrank", "rerank"])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_what_a_system_found_best_first(
    paths: Paths, truth: dict[str, dict[str, set[str]]], track: str, k: int
) -> None:
    run = read_run(paths.run(track, "visret"))
    choosing = chooser(paths, systems=["visret"], k=[1, 7, 3], tracks=[track])
    found = every(choosing, Context(f"visret@{k} {track}", "visret", track, k))
    for subtopic, shown in found.items():
        own = run[run["subtopic_id"].astype(str) == subtopic].sort_values("rank")
        assert shown == list(own["image_id"].astype(str))[:k]
    for topic in topics(paths):
        question = in_order(choosing, topic, Context("x", "visret", track, k), "ranked")
        for entity in question.entities:
            told = [bool(shown.relevant) for shown in entity.shown]
            assert told == [key in truth["relevant"][entity.subtopic_id] for key in keys(entity.shown)]


def test_a_system_that_found_nothing_shows_nothing(own_paths: Paths) -> None:
    (first, *_) = topics(own_paths)
    lacking = first.subtopics[0].subtopic_id
    path = own_paths.run("fullrank", "visret")
    path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines() if line.split()[0] != lacking))
    choosing = chooser(own_paths, systems=["visret"])
    question = in_order(choosing, first, Context("x", "visret", "fullrank", 3), "ranked")
    assert [len(entity.shown) for entity in question.entities] == [0, 3]


@pytest.mark.parametrize("context", ["gold", "distractors", "gold-among"])
def test_orders(paths: Paths, context: str) -> None:
    choosing = chooser(paths)
    ranked = every(choosing, context)
    assert every(choosing, context, "reversed") == {s: shown[::-1] for s, shown in ranked.items()}
    shuffled = every(choosing, context, "shuffled")
    assert {s: sorted(shown) for s, shown in shuffled.items()} == {s: sorted(shown) for s, shown in ranked.items()}
    assert shuffled != ranked
    assert every(choosing, context, "exchanged") == ranked
    for topic in topics(paths):
        straight = in_order(choosing, topic, Context(context), "ranked")
        exchanged = in_order(choosing, topic, Context(context), "exchanged")
        assert exchanged.entities == straight.entities[::-1]


def test_what_is_asked_in_which_order() -> None:
    section = Answer(orders=["ranked", "exchanged"], systems=["visret", "text"], k=[1, 5], tracks=["rerank"])
    assert orders(section, Context("none")) == ["ranked"]
    assert orders(section, Context("gold")) == ["ranked", "exchanged"]
    assert orders(section, Context("gold-among")) == ["ranked", "exchanged", *GOLD_ORDERS]
    assert [context.name for context in contexts(section)] == [
        *CONTEXTS, "visret@1 rerank", "visret@5 rerank", "text@1 rerank", "text@5 rerank",
    ]  # fmt: skip


@pytest.mark.parametrize("context", ["gold", "negatives", "others", "gold-among", "distractors", "swapped"])
def test_a_seed_says_what_is_shown(paths: Paths, context: str) -> None:
    once, again, other = (every(chooser(paths, seed=seed), context) for seed in (1, 1, 2))
    assert once == again
    assert once != other


@pytest.mark.parametrize("context", ["gold", "negatives", "others", "gold-among", "distractors", "swapped", "drawings"])
@pytest.mark.parametrize("order", ["ranked", "shuffled"])
def test_another_topic_changes_nothing_for_the_others(own_paths: Paths, context: str, order: str) -> None:
    before = every(chooser(own_paths), context, order)
    made = read_topics(own_paths.topics)
    added = dataclasses.replace(topics(own_paths)[0], topic_id="t0000000", text="Which apple is it?")
    write_records(own_paths.topics, [added, *made])
    choosing = chooser(own_paths)
    after: dict[str, list[str]] = {}
    for topic in topics(own_paths):
        if topic.topic_id != added.topic_id:
            after |= by_subtopic(in_order(choosing, topic, Context(context), order))
    assert after == before


def test_one_entity_has_no_other_to_be_exchanged_for(paths: Paths) -> None:
    with pytest.raises(NothingToShowError, match="one entity cannot be exchanged for another"):
        in_order(chooser(paths), topics(paths, pairs=False)[0], Context("swapped"), "ranked")


def test_what_has_nothing_to_show_is_a_row_with_its_reason(own_paths: Paths) -> None:
    (first, *_) = topics(own_paths)
    lacking = first.subtopics[1].subtopic_id
    rewrite(
        QRELS, own_paths.qrels / "qrels.parquet",
        grade=lambda frame: [
            0 if s == lacking else g for s, g in zip(frame["subtopic_id"], frame["grade"], strict=True)
        ],
    )  # fmt: skip
    for context in ("gold", "gold-among"):
        rows = ask(own_paths, {"kind": "prior"}, Context(context))
        lost = [row for row in rows if row["topic_id"] == first.topic_id]
        assert {row["outcome"] for row in lost} == {"unscored"}
        assert {row["reason"] for row in lost} == {f"nothing to show as {context} for {first.entities[1]}"}
        assert all(row["score"] is None and row["reply"] is None and row["keys"] == [] for row in lost)
        assert {row["outcome"] for row in rows if row["topic_id"] != first.topic_id} <= {"correct", "wrong"}


def test_contexts_without_material_are_missing_with_the_reason(own_paths: Paths, tmp_path: Path) -> None:
    DRAWINGS.write(own_paths.drawings, DRAWINGS.frame([]))
    CAPTIONS.write(_made(own_paths.captions), CAPTIONS.frame([]))
    choosing = chooser(own_paths)
    assert choosing.missing(Context("drawings")) == "there are no drawings (visualize.generator)"
    assert choosing.missing(Context("captions")) == "there are no captions (caption.captioner)"
    assert choosing.missing(Context("gold")) is None


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
