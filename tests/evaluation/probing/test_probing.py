"""Probes whole: worlds are written, drawn and encoded, and a bag of words is found out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fieldguide.core.errors import ProblemsError
from fieldguide.core.files import content_key
from fieldguide.core.paths import Paths
from fieldguide.evaluation.probing.asking import ask
from fieldguide.evaluation.probing.probes import Reaction, rank_biased_overlap, reaction, verdict, write_probes
from fieldguide.evaluation.probing.world import UNCHANGED, Probes, choose, draw_worlds, encode_worlds, write_worlds
from fieldguide.models.loading.protocols import Modality, Vectors
from fieldguide.params import Params, parse_params
from fieldguide.records.knowledge import ENTITIES as ENTITY_TABLE
from fieldguide.records.scores import PROBES_VERSION
from fieldguide.records.topics import read_phrases, read_topics, write_records
from tests.builders import ENCODER, ENTITIES, rewrite, tiny_benchmark, tiny_params


def direction(text: str) -> Any:
    values = np.random.default_rng(int(content_key(text=text)[:16], 16)).normal(size=8)
    return values / np.linalg.norm(values)


class Texts:
    """Encodes a text as the sum of its words' directions; with `order`, each word's hangs on its place."""

    name, dimension = ENCODER, 8
    modalities: frozenset[Modality] = frozenset({"image", "text"})

    def __init__(self, order: bool) -> None:
        self.order = order
        self.revision = "r1"

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        sums = [
            sum(
                direction(f"{place} {word}" if self.order else word)
                for place, word in enumerate(re.findall(r"\w+", text))
            )
            for text in texts
        ]
        return np.asarray([s / np.linalg.norm(s) for s in sums], dtype=np.float32)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return np.asarray([direction(content_key(pixels=image.tobytes().hex())) for image in images], dtype=np.float32)


class Draws:
    """A plain colour that hangs on prompt and seed, with one bright pixel."""

    name, revision = "tiny-generator", "r1"
    settings: Mapping[str, int] = {}

    def draw(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[Any]:
        made = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            rng = np.random.default_rng(int(content_key(prompt=prompt, seed=seed)[:16], 16))
            made.append(Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)))
        return made


@pytest.fixture(scope="module")
def params() -> Params:
    return tiny_params(probe={"systems": ["random", "text", "visret"], "topics": 3, "depth": 10, "same": 0.95})


@pytest.fixture
def paths(tmp_path: Path, params: Params) -> Paths:
    """Questions name their entities, and what has no order in them is the same for a bag of words."""
    paths = tiny_benchmark(tmp_path, params)
    topics = []
    for topic in read_topics(paths.topics):
        names = [f"a {ENTITIES[entity][0]}" for entity in topic.entities]
        text = f"Which has a {topic.values[topic.entities[0]]} skin: {' or '.join(names)}?"
        topics.append(replace(topic, text=text) if topic.kind == "comparison" else topic)
    write_records(paths.topics, topics)
    phrases = read_phrases(paths.phrases)
    write_records(paths.phrases, [replace(phrase, text=f"{phrase.text}, showing the skin") for phrase in phrases])
    return paths


def probed(paths: Paths, params: Params, order: bool) -> dict[tuple[str, str], Reaction]:
    worlds = write_worlds(paths.root, choose(paths, 3, seed=1))
    draw_worlds(paths, worlds, params.visualize, Draws(), track=lambda items, *_, **__: iter(items))
    encode_worlds(paths, worlds, Texts(order), "float32", params.embed.batch)
    return {(r.system, r.probe): r for r in ask(params.probe, params.evaluate.headline, params.systems, paths, worlds)}


@pytest.mark.parametrize(
    ("order", "said"),
    [(False, "a bag of words: the order of words does not count"), (True, "reacts to every change")],
)
def test_a_bag_of_words_is_found_out(paths: Paths, params: Params, order: bool, said: str) -> None:
    found = probed(paths, params, order)
    for probe in ("swap", "shuffle"):
        assert found["text", probe].reacts == order
        assert found["random", probe].overlap == 1.0
    assert found["text", "drop"].reacts
    assert found["visret", "swap"].reacts
    assert verdict([r for (system, _), r in found.items() if system == "text"]) == said


def test_ids_stay_and_all_worlds_share_drawings_and_vectors(paths: Paths) -> None:
    probes = choose(paths, 3, seed=1)
    worlds = write_worlds(paths.root, probes)
    unchanged = {t.topic_id: t for t in read_topics(worlds[UNCHANGED].topics)}
    known = {t.topic_id: t for t in read_topics(paths.topics)}
    assert len(unchanged) == 3
    assert all(unchanged[key] == known[key] for key in unchanged)
    for probe, world in worlds.items():
        assert {t.topic_id for t in read_topics(world.topics)} <= set(unchanged)
        assert (world.drawings, world.queries("x")) == (worlds[UNCHANGED].drawings, worlds[UNCHANGED].queries("x"))
        assert (world.images, world.embeddings("x")) == (paths.images, paths.embeddings("x"))
        assert len(read_phrases(world.phrases)) == 2 * len(probes.asked[probe])


def test_the_same_topics_are_drawn_whatever_the_order_of_the_file(paths: Paths) -> None:
    first = choose(paths, 2, seed=4)
    topics = read_topics(paths.topics)
    write_records(paths.topics, topics[::-1])
    assert choose(paths, 2, seed=4) == first
    assert choose(paths, 0, seed=4) == Probes({probe: [] for probe in first.asked})


def test_questions_that_do_not_admit_a_change_are_kept_with_the_reason(paths: Paths) -> None:
    rewrite(ENTITY_TABLE, paths.entities, name=lambda frame: frame["name"].str.upper())
    skipped = choose(paths, 2, seed=4).skipped
    assert {probe for probe, *_ in skipped} >= {"swap", "relative"}
    assert all("does not name" in why or "too few" in why for probe, _, why in skipped if probe != "drop")


def test_rank_biased_overlap_is_that_of_the_paper() -> None:
    one, other = list("abcde"), list("acbed")
    agreements = [len(set(one[:d]) & set(other[:d])) / d for d in range(1, 6)]
    p = 0.9
    wanted = agreements[-1] * p**5 + (1 - p) / p * sum(a * p**d for d, a in enumerate(agreements, 1))
    assert rank_biased_overlap(one, other, p) == pytest.approx(wanted)
    assert rank_biased_overlap(one, one) == pytest.approx(1.0)
    assert rank_biased_overlap(one, list("vwxyz")) == 0.0
    assert (rank_biased_overlap([], []), rank_biased_overlap([], one)) == (1.0, 0.0)
    early, late = list("bacde"), list("abced")
    assert rank_biased_overlap(one, early) < rank_biased_overlap(one, late)


def test_a_reaction_is_over_subtopics_that_were_ranked_both_ways() -> None:
    before, after = {"a": ["x", "y"], "b": ["x"]}, {"a": ["x", "y"], "c": ["x"]}
    found = reaction("s", "swap", (before, after), ({"a": 0.5, "b": 1.0}, {"a": 0.25}), same=0.9)
    assert found == Reaction("s", "swap", 1.0, False, 0.5, 0.25, 1)
    assert reaction("s", "swap", (before, {}), ({}, {}), same=0.9) is None


@pytest.mark.parametrize(
    ("deaf", "said"),
    [
        ((), "reacts to every change"),
        (("swap",), "a bag of words: the order of words does not count"),
        (("drop",), "the feature does not count"),
        (("relative", "drop"), "the feature does not count; an entity and its relatives are the same to it"),
    ],
)
def test_verdicts_are_words(deaf: tuple[str, ...], said: str) -> None:
    probes = ("swap", "shuffle", "drop", "relative")
    assert verdict([Reaction("s", p, 0.5, p not in deaf, 0, 0, 1) for p in probes]) == said


def test_the_file_says_everything(tmp_path: Path) -> None:
    path = tmp_path / "probes.json"
    write_probes(path, [Reaction("s", "swap", 1.0, False, 0, 0, 1)], [("drop", "t1", "why")], {"same": 0.9})
    values = json.loads(path.read_text())
    assert values["verdicts"] == {"s": "a bag of words: the order of words does not count"}
    assert values["skipped"] == [{"probe": "drop", "topic_id": "t1", "reason": "why"}]
    assert values["schema_version"] == PROBES_VERSION


def test_systems_whose_queries_cannot_be_changed_are_told() -> None:
    values = tiny_params().model_dump(mode="json")
    values["systems"] |= {
        "expanded": {"kind": "text", "encoder": ENCODER, "query": "expansion"},
        "kind": {"kind": "visret", "encoder": ENCODER, "images": 2, "centre": "kind"},
        "order": {"kind": "file-order"},
    }
    values["probe"]["systems"] = ["expanded", "kind", "order", "text", "nobody"]
    with pytest.raises(ProblemsError) as caught:
        parse_params(values)
    told = {p.where.removeprefix("params.yaml: "): p.what for p in caught.value.problems}
    assert told.keys() == {f"probe.systems.{n}" for n in (0, 1, 2, 4)}
    assert "(text without expansions)" in told["probe.systems.0"]
    assert "centres by kind" in told["probe.systems.1"]
    assert "is of kind file-order, whose queries cannot be changed" in told["probe.systems.2"]
    assert "'nobody' is not in systems" in told["probe.systems.4"]
