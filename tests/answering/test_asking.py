"""Questions put to answerers, and the rows that come of it."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fieldguide.answering import asking
from fieldguide.answering.asking import AskedTopics, LoadedAnswerer
from fieldguide.answering.contexts.choosing import Context
from fieldguide.answering.question import Answered, Question
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.answers import ANSWERS
from tests.answering.benchmark import ask, chooser, in_order, question, section, topic

BIRDS = ("kite", "jay")


class Slow:
    """Answers after a while; knows how many asked it at once."""

    name, revision = "slow", "r1"

    def __init__(self, keeps: bool) -> None:
        self.keeps = keeps
        self.asked: list[str] = []
        self.now = self.most = 0
        self._lock = threading.Lock()

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.asked += [one.topic.text for one in questions]
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
        return [Refused("no") if "?" in one.topic.text else Answered("jay", 0.5, 1, 2, 0.25) for one in questions]


def loaded(paths: Paths, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> LoadedAnswerer:
    monkeypatch.setattr(asking, "load_answerer", lambda *_: slow)
    return LoadedAnswerer("slow", section(kind="prior"), paths.root)


@pytest.mark.parametrize("keeps", [False, True])
def test_one_thread_asks_at_a_time_unless_answers_are_kept_elsewhere(
    own_paths: Paths, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    slow = Slow(keeps)
    answerer = loaded(own_paths, slow, monkeypatch)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(answerer.answer, [[question(topic(f"which {n}", BIRDS))] for n in range(8)]))
    assert made == [[Answered("jay", 0.5, 1, 2, 0.25)]] * 8
    assert (slow.most > 1) == keeps


def test_what_was_computed_is_kept_and_what_failed_is_not(own_paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(keeps=False)
    questions = [question(topic(text, BIRDS)) for text in ("one", "two?", "three")]
    first = loaded(own_paths, slow, monkeypatch).answer(questions)
    assert loaded(own_paths, slow, monkeypatch).answer(questions) == first
    assert slow.asked == ["one", "two?", "three", "two?"]
    slow.revision = "r2"
    loaded(own_paths, slow, monkeypatch).answer(questions[:1])
    assert slow.asked[4:] == ["one"]


def test_an_answerer_is_sent_elsewhere_as_its_section(paths: Paths) -> None:
    answerer = LoadedAnswerer("it", section(kind="prior"), paths.root)
    answerer.load()
    sent = copy.deepcopy(answerer)  # as it is sent: by what it is made of
    assert sent.name == "it"
    asked = [question(topic("Which?", BIRDS, "both"))]
    assert sent.answer(asked) == answerer.answer(asked)


def test_an_answerer_that_cannot_be_loaded_is_told_by_its_key(own_paths: Paths) -> None:
    with pytest.raises(ProblemsError, match=r"answerers\.it\.weights: gone/config\.json: no such file"):
        ask(own_paths, {"kind": "image-text-to-text", "weights": "gone"}, Context("none"))
    with pytest.raises(FieldguideError, match="no embeddings here"):
        ask(own_paths, {"kind": "features", "encoder": "gone"}, Context("none"))


def test_topics_that_nobody_can_score_are_not_asked(paths: Paths) -> None:
    material = chooser(paths).material
    closed = AskedTopics.of(material.topics, material.names, judged=False)
    everything = AskedTopics.of(material.topics, material.names, judged=True)
    assert {topic.form for topic in closed.topics} == {"both", "which"}
    assert {topic.topic_id for topic in closed.topics} == set(closed.references) == set(everything.references)
    assert list(everything.topics) == material.topics
    assert sorted(closed.references.values()) == ["granny-smith", "no", "satsuma", "yes"]


@pytest.mark.parametrize("name", ["none", "gold", "gold-among", "drawings"])
def test_rows_say_what_was_shown_in_the_order_in_which_it_was_shown(paths: Paths, name: str) -> None:
    orders = ["ranked", "exchanged"]
    rows: list[dict[str, Any]] = ask(paths, {"kind": "prior"}, Context(name), orders=orders)
    assert list(ANSWERS.problems(ANSWERS.frame(rows), "answers")) == []
    choosing = chooser(paths, orders=orders)
    topics = {one.topic_id: one for one in choosing.material.topics}
    for row in rows:
        asked = in_order(choosing, topics[row["topic_id"]], Context(name), row["order"])
        pairs = [(entity.subtopic_id, shown) for entity in asked.entities for shown in entity.shown]
        assert row["subtopics"] == [subtopic for subtopic, _ in pairs]
        assert row["keys"] == [shown.key for _, shown in pairs]
        assert row["kinds"] == [shown.kind for _, shown in pairs]
        assert row["relevant"] == [shown.relevant for _, shown in pairs]
    wanted = {"none": ["ranked"], "gold-among": [*orders, "gold-first", "gold-middle", "gold-last"]}.get(name, orders)
    assert [row["order"] for row in rows] == [order for order in wanted for _ in range(4)]
