"""What is expected of a benchmark's content: references, coverage, balance, duplicates, licences.

What a table's declaration says (columns, nulls, allowed values, keys) is not repeated here: `Table.read` checks it.
Records of JSONL files have no such declaration, so the types and values of their fields are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from fieldguide.answering.closed.scoring import names_of, stated_by
from fieldguide.checks.expectations.section import Check
from fieldguide.checks.expectations.suites import Expectation, Suite, alone, among, between, empty, holds, typed
from fieldguide.checks.expectations.tables import Tables
from fieldguide.evaluation.leaderboard.rows import KINDS
from fieldguide.records.runs import TRACKS
from fieldguide.records.topics import FORMS

_HASH = "ExpectColumnValuesToMatchRegex"


def suites(tables: Tables, section: Check, drawings: int, people: bool) -> Iterator[Suite]:
    """Everything that is expected.

    Args:
        tables: of the benchmark.
        section: least relevant images, greatest share of one answer, sources without a licence.
        drawings: of each phrase.
        people: whether people judged, and not the labels of a data set.
    """
    yield from _corpus(tables, section)
    yield from _knowledge(tables)
    yield from _topics(tables, section)
    yield from _drawings(tables, drawings)
    yield from _judgments(tables, section, people)
    yield from _runs(tables)


def _corpus(tables: Tables, section: Check) -> Iterator[Suite]:
    images, duplicates = tables.parquet["images"], tables.parquet["duplicates"]
    ids, entities = set(images["image_id"]), set(tables.parquet["entities"]["entity_id"])
    shards = {path.name for path in tables.paths.shards.glob("*.tar")}
    prefixed = images.assign(
        prefix=[s[: len(i)] == i for s, i in zip(images["sha256"], images["image_id"], strict=True)]
    )
    expected = [
        Expectation("`sha256` is 64 hex digits", _HASH, {"column": "sha256", "regex": "^[0-9a-f]{64}$"}),
        Expectation("`image_id` is 16 hex digits", _HASH, {"column": "image_id", "regex": "^[0-9a-f]{16}$"}),
        holds("prefix", "`image_id` is the beginning of `sha256`"),
        alone("sha256", "no image lies in the corpus twice"),
        among("entity_id", entities, "a named entity is known"),
        among("near_duplicate_of", ids, "`near_duplicate_of` is an image of the corpus"),
        among("shard", shards, "`shard` is a tar that is there"),
        *(between(name, 1, None, f"`{name}` is positive") for name in ("width", "height", "size", "copies")),
    ]
    yield Suite("images", prefixed, ("image_id",), tuple(expected))
    excused = section.unlicensed_sources
    rest = images[~images["source"].isin(excused)]
    words = f"`licence` is stated (check.unlicensed_sources: {', '.join(excused) or 'none'})"
    licence = Expectation(words, "ExpectColumnValuesToNotBeNull", {"column": "licence"})
    yield Suite("images", rest, ("image_id",), (licence,))
    yield Suite(
        "duplicates",
        duplicates,
        ("image_id", "source", "source_key"),
        (among("image_id", ids, "the image is in the corpus"),),
    )
    yield from _across_splits(images, duplicates)


def _across_splits(images: pd.DataFrame, duplicates: pd.DataFrame) -> Iterator[Suite]:
    key = ("image_id", "source", "source_key")
    across = duplicates[duplicates["across_splits"].astype(bool)].assign(offends=True)
    gallery = set(images.loc[images["split"] == "gallery", "image_id"])
    exact = across[(across["kind"] == "exact") & across["image_id"].isin(gallery)]
    yield Suite("duplicates", exact, key, (empty("no image of the gallery has an exact duplicate in train"),))
    near = across[across["kind"] == "near"]
    yield Suite("duplicates", near, key, (empty("no near duplicates across splits", "warning"),))


def _knowledge(tables: Tables) -> Iterator[Suite]:
    entities, attributes, groups = (tables.parquet[name] for name in ("entities", "attributes", "groups"))
    known = set(entities["entity_id"])
    yield Suite("entities", entities, ("entity_id",), (alone("name", "no two entities have one name"),))
    yield Suite("attributes", attributes, ("entity_id", "feature"), (among("entity_id", known, "the entity is known"),))
    scores = [between(n, 0, 1, f"`{n}` is from 0 to 1") for n in ("score", "taxonomic", "lexical", "visual")]
    yield Suite("groups", groups, ("group_id",), tuple(scores))
    members = groups[["group_id", "entities"]].explode("entities")
    yield Suite(
        "groups", members, ("group_id", "entities"), (among("entities", known, "every member is a known entity"),)
    )


def _topics(tables: Tables, section: Check) -> Iterator[Suite]:
    topics, subtopics, phrases = tables.topics, tables.subtopics, tables.phrases
    written = (
        among("kind", KINDS, f"`kind` is one of {', '.join(KINDS)}"),
        among("form", FORMS, f"`form` is one of {', '.join(FORMS)}"),
        *(typed(name, "str") for name in ("text", "feature", "part", "answer")),
        *(typed(name, "dict") for name in ("values", "provenance")),
        alone("text", "no question is asked twice"),
    )
    yield Suite("topics", topics, ("topic_id",), written)
    known = set(tables.parquet["entities"]["entity_id"])
    yield Suite("topics", subtopics, ("subtopic_id",), (among("entity_id", known, "the entity is known"),))
    attributes = tables.parquet["attributes"]
    stated = set(zip(attributes["entity_id"], attributes["feature"], strict=True))
    compared = subtopics[subtopics["kind"] == "comparison"]
    compared = compared.assign(
        stated=[pair in stated for pair in zip(compared["entity_id"], compared["feature"], strict=True)]
    )
    yield Suite(
        "topics", compared, ("subtopic_id",), (holds("stated", "the entity's value of the feature has a source"),)
    )
    compared = answers(tables)
    readable = Expectation(
        "the answer is yes, no or one entity", "ExpectColumnValuesToNotBeNull", {"column": "answer"}, "warning"
    )
    yield Suite("topics", compared, ("topic_id",), (readable,))
    most = f"no answer takes more than {section.max_answer_share:.0%} of a form (check.max_answer_share)"
    yield Suite(
        "topics", answer_shares(compared), ("form", "answer"), (between("share", 0, section.max_answer_share, most),)
    )
    ids = set(subtopics["subtopic_id"])
    named = among("subtopic_id", ids, "the subtopic is one of the topics'")
    once = alone("subtopic_id", "no subtopic has two phrases")
    yield Suite("phrases", phrases, ("subtopic_id",), (named, once))
    phrased = among("subtopic_id", set(phrases["subtopic_id"]), "every subtopic has a phrase")
    yield Suite("phrases", subtopics, ("subtopic_id",), (phrased,))


def answers(tables: Tables) -> pd.DataFrame:
    """topic_id, form, answer of the comparison topics, the answer as what can be counted.

    That is `yes` or `no` where the reference answer begins so, else the place (from 1) in the question of the one
    entity that it names, else None.
    """
    names = {entity: called[:1] for entity, called in names_of(tables.parquet["entities"]).items()}
    topics = tables.topics[tables.topics["kind"] == "comparison"][["topic_id", "form", "answer", "entities"]]
    found = [
        _counted(stated_by(str(answer), entities, names), entities)
        for answer, entities in zip(topics["answer"], topics["entities"], strict=True)
    ]
    return topics[["topic_id", "form"]].assign(answer=pd.Series(found, index=topics.index, dtype=object))


def answer_shares(compared: pd.DataFrame) -> pd.DataFrame:
    """form, answer, count, share: how often each of `answers` is right in its form; forms with one topic left out."""
    counts = compared.value_counts(["form", "answer"]).rename("count").reset_index().sort_values(["form", "answer"])
    total = counts.groupby("form")["count"].transform("sum")
    return counts.assign(share=counts["count"] / total)[total > 1].reset_index(drop=True)


def _counted(said: str | None, entities: Sequence[str]) -> str | None:
    return said if said is None or said not in entities else f"entity {list(entities).index(said) + 1} of the question"


def _drawings(tables: Tables, wanted: int) -> Iterator[Suite]:
    drawings = tables.parquet["drawings"]
    if not wanted:  # nothing was to be drawn
        return
    drawn = among("status", ["ok"], "no drawing failed", "warning")
    yield Suite("drawings", drawings, ("drawing_id",), (drawn,))
    made = drawings[drawings["purpose"] == "topic"]
    counts, good = made["prompt"].value_counts(), made.loc[made["status"] == "ok", "prompt"].value_counts()
    phrases = tables.phrases
    phrases = phrases.assign(
        drawings=[int(counts.get(text, 0)) for text in phrases["text"]],
        good=[int(good.get(text, 0)) for text in phrases["text"]],
    )
    expected = (
        between("drawings", wanted, None, f"every phrase has its {wanted} drawings, failed ones counted"),
        between("good", 1, None, "every phrase has a drawing that did not fail", "warning"),
    )
    yield Suite("drawings", phrases, ("subtopic_id",), expected)


def _judgments(tables: Tables, section: Check, people: bool) -> Iterator[Suite]:
    pools, qrels, images = (tables.parquet[name] for name in ("pools", "qrels", "images"))
    subtopics = tables.subtopics
    key = ("subtopic_id", "image_id")
    gallery = images.loc[images["split"] == "gallery", "image_id"]
    references = (
        among("subtopic_id", subtopics["subtopic_id"], "the subtopic is one of the topics'"),
        among("image_id", gallery, "the image is in the gallery"),
    )
    judged = set(zip(qrels["subtopic_id"], qrels["image_id"], strict=True))
    covered = [pair in judged for pair in zip(pools["subtopic_id"], pools["image_id"], strict=True)]
    # People stop early: by a rule, by `cannot-tell`, or because they are told to. Labels of a data set never do.
    asked = subtopics[subtopics["subtopic_id"].isin(qrels["subtopic_id"])] if people else subtopics
    coverage = holds("judged", "every pooled image is judged", "warning" if people else "error")
    yield Suite("pools", pools.assign(judged=covered), key, (*references, coverage))
    pooled = among("subtopic_id", pools["subtopic_id"], "every subtopic has a pool")
    yield Suite("pools", subtopics, ("subtopic_id",), (pooled,))
    defined = among("grade", tables.grades, "the grade is defined in grades.json")
    yield Suite("qrels", qrels, key, (*references, defined))
    relevant = qrels[qrels["grade"].astype(int) > 0]["subtopic_id"].value_counts()
    counted = asked.assign(relevant=[int(relevant.get(s, 0)) for s in asked["subtopic_id"]])
    enough = f"every subtopic has at least {section.min_relevant} relevant images (check.min_relevant, pool.depth)"
    yield Suite("qrels", counted, ("subtopic_id",), (between("relevant", section.min_relevant, None, enough),))


def _runs(tables: Tables) -> Iterator[Suite]:
    runs, subtopics, images = tables.runs, tables.subtopics, tables.parquet["images"]
    pools = tables.parquet["pools"]
    reranked = runs["track"] == "rerank"
    runs = runs.assign(named=runs["system"] == runs["file"], pooled=~reranked)
    runs.loc[reranked, "pooled"] = _pairs(runs[reranked]).isin(_pairs(pools)).to_numpy()
    expected = (
        holds("named", "the system is the one the file is named after"),
        among("subtopic_id", subtopics["subtopic_id"], "the subtopic is one of the topics'"),
        among("image_id", images.loc[images["split"] == "gallery", "image_id"], "the image is in the gallery"),
        holds("pooled", "an image of the rerank track is in its subtopic's pool"),
    )
    yield Suite("runs", runs, ("track", "file", "subtopic_id", "image_id"), expected)
    pool_sizes = pools["subtopic_id"].value_counts()
    counts = runs.groupby(["track", "file", "subtopic_id"]).size().to_dict()
    rows = []
    for track in TRACKS:
        for system in tables.systems:
            for subtopic in subtopics["subtopic_id"]:
                lines = int(counts.get((track, system, subtopic), 0))
                # Half a pool is no fair match for other systems' whole ones. No line at all is warned of, and scored 0.
                complete = track != "rerank" or lines in (0, pool_sizes.get(subtopic, 0))
                rows.append((track, system, subtopic, lines > 0, complete))
    every = pd.DataFrame(rows, columns=["track", "system", "subtopic_id", "ranked", "whole"], dtype=object)
    ranked = holds("ranked", "every subtopic is ranked", "warning")
    whole = holds("whole", "the rerank track ranks a whole pool")
    yield Suite("runs", every, ("track", "system", "subtopic_id"), (ranked, whole))


def _pairs(table: pd.DataFrame) -> pd.Series:
    """Subtopic and image of each row as one text; neither holds white space."""
    return table["subtopic_id"].astype(str) + " " + table["image_id"].astype(str)
