"""The most frequent right answer of each form."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.answering.answerers.prior import Prior
from fieldguide.answering.answerers.section import PriorAnswerer
from fieldguide.answering.question import Answered
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import Topic, write_records
from tests.answering.benchmark import question, topic

BIRDS = ("kite", "jay", "tern")


def prior(root: Path, topics: list[Topic]) -> Prior:
    paths = Paths(root)
    for path in (paths.entities, paths.topics):
        path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"entity_id": e, "name": e, "aliases": [], "taxonomy": [e], "description": "", "source": "curated"}
        for e in BIRDS
    ]
    ENTITIES.write(paths.entities, ENTITIES.frame(rows))
    write_records(paths.topics, topics)
    return Prior("it", PriorAnswerer(kind="prior"), root)


def test_the_most_frequent_place_and_word(tmp_path: Path) -> None:
    pair, three = ("kite", "jay"), ("tern", "kite", "jay")
    answerer = prior(tmp_path, [
        topic("1", pair, answer="jay"), topic("2", pair[::-1], answer="kite"), topic("3", pair, answer="kite"),
        topic("4", three, answer="jay"), topic("5", pair, "which-not", "kite"),
        topic("6", pair, "both", "no"), topic("7", pair, "both", "no"), topic("8", pair, "both", "yes"),
        topic("9", pair, "truth", "yes"), topic("10", pair, "truth", "no"),
        topic("11", ("kite",), "entity", "A bird."),
    ])  # fmt: skip
    asked = [
        topic("a", ("tern", "jay")), topic("b", three), topic("c", ("tern", "jay"), "which-not"),
        topic("d", pair, "both"), topic("e", pair, "truth"), topic("f", ("kite",), "entity"),
    ]  # fmt: skip
    # Of two, the second is right twice of three times; of three, the third; where all are as frequent, the lesser.
    assert answerer.answer([question(one) for one in asked]) == [
        Answered("jay"), Answered("jay"), Answered("tern"), Answered("no"), Answered("no"),
        Refused("no question of this form has a closed answer"),
    ]  # fmt: skip


def test_it_looks_at_nothing_and_its_revision_is_its_answers(tmp_path: Path) -> None:
    first = prior(tmp_path, [topic("1", BIRDS, answer="jay")])
    same = prior(tmp_path, [topic("1", BIRDS, answer="jay"), topic("2", BIRDS[::-1], answer="jay")])
    other = prior(tmp_path, [topic("1", BIRDS, answer="tern")])
    assert first.revision == same.revision != other.revision


@pytest.mark.parametrize("form", ["which", "both"])
def test_a_tie_goes_to_the_lesser_whatever_comes_first(tmp_path: Path, form: str) -> None:
    answers = {"which": ("jay", "kite"), "both": ("yes", "no")}[form]
    asked = [topic(str(n), ("kite", "jay"), form, answer) for n, answer in enumerate(answers)]
    for topics in (asked, asked[::-1]):
        assert prior(tmp_path, topics).answer([question(asked[0])]) == [Answered({"which": "kite", "both": "no"}[form])]
