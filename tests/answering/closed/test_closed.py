"""Closed answers, read by rules."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.answering.closed.scoring import AnswerReading, read_answer, reference
from fieldguide.records.topics import Topic
from tests.answering.closed.replies import BOTH, NAMES, WHICH, WHICH_NOT

CITRUS = {
    "satsuma": ["satsuma", "satsuma mandarin", "satsuma orange"],
    "orange": ["orange", "sweet orange"],
    "blood-orange": ["blood orange"],
}
POMES = {
    "granny": ["Granny Smith apple", "Granny Smith"],
    "cox": ["Cox's Orange Pippin"],
    "anjou": ["Beurré d'Anjou"],
    "strawberry": ["strawberry"],
    "orange": ["orange"],
}


def topic(form: str, text: str, entities: Sequence[str], answer: str) -> Topic:
    return Topic("t1", "comparison", form, text, tuple(entities), "skin", "skin", answer, dict.fromkeys(entities, "x"))


PAIR = ("satsuma", "orange")
TOPICS = {
    "both": topic("both", "Do a satsuma and an orange both have a rough skin?", PAIR, "no"),
    "which": topic("which", "Which of the two has a rough skin: a satsuma or an orange?", PAIR, "satsuma"),
    "which-not": topic(
        "which-not", "Which of the two does not have a rough skin: a satsuma or an orange?", PAIR, "orange"
    ),
}
NAMED = topic("which", "Which one has a rough skin?", ("granny", "cox", "anjou", "strawberry"), "Granny Smith apple")


def short(read: AnswerReading) -> str:
    """As the tables of `replies` put it."""
    return {"abstained": "-", "unparseable": "?"}.get(read.what, str(read.said))


def test_there_are_enough_replies() -> None:
    assert len(BOTH) + len(WHICH) + len(WHICH_NOT) + len(NAMES) >= 120


@pytest.mark.parametrize(("reply", "said"), BOTH)
def test_yes_and_no(reply: str, said: str) -> None:
    assert short(read_answer(reply, TOPICS["both"], CITRUS)) == said


@pytest.mark.parametrize(("reply", "said"), WHICH)
def test_which(reply: str, said: str) -> None:
    assert short(read_answer(reply, TOPICS["which"], CITRUS)) == said


@pytest.mark.parametrize(("reply", "said"), WHICH_NOT)
def test_which_not(reply: str, said: str) -> None:
    assert short(read_answer(reply, TOPICS["which-not"], CITRUS)) == said


@pytest.mark.parametrize(("reply", "said"), NAMES)
def test_names(reply: str, said: str) -> None:
    assert short(read_answer(reply, NAMED, POMES)) == said


@pytest.mark.parametrize("form", ["which", "which-not"])
def test_a_question_for_a_want_is_answered_by_what_has_not(form: str) -> None:
    asked = topic(form, "Which of the two has no pores: a satsuma or an orange?", PAIR, "orange")
    assert read_answer("The satsuma has pores, the orange has no pores.", asked, CITRUS) == AnswerReading(
        "said", "orange"
    )


def test_a_name_of_two_entities_names_neither() -> None:
    names = {"satsuma": ["satsuma", "mandarin"], "orange": ["orange", "mandarin"]}
    assert read_answer("The mandarin.", TOPICS["which"], names).what == "unparseable"
    assert read_answer("The mandarin, the orange that is.", TOPICS["which"], names).what == "unparseable"


def test_an_entity_without_a_name_goes_by_its_id() -> None:
    assert read_answer("blood-orange", topic("which", "Which?", ("blood-orange", "lime"), "lime"), {}) == AnswerReading(
        "said", "blood-orange"
    )


@pytest.mark.parametrize(
    ("form", "answer", "right"),
    [
        ("both", "yes", "yes"),
        ("truth", "No, only one.", "no"),
        ("truth", "Not known", None),
        ("which", "satsuma", "satsuma"),
        ("which-not", "Orange", "orange"),
        ("which", "satsuma orange", None),  # an alias and a name: reference answers use the first name
        ("which", "a lime", None),
        ("entity", "An orange.", None),
    ],
)
def test_references(form: str, answer: str, right: str | None) -> None:
    names = {"satsuma": ["satsuma", "clementine"], "orange": ["orange"]}
    assert reference(topic(form, "?", PAIR, answer), names) == right


WORD = st.text("abcdefghijklmnopqrstuvwxyzäéßñøABCDZ0123456789", min_size=1, max_size=8)
NAME = st.builds(lambda words, sign: sign.join(words), st.lists(WORD, min_size=1, max_size=3), st.sampled_from(" -"))


@st.composite
def closed_topics(draw: Callable[..., Any]) -> tuple[Topic, dict[str, list[str]]]:
    """A topic of any form that has a reference, with the names of its entities and of others."""
    names: dict[str, list[str]] = {}
    for n, name in enumerate(draw(st.lists(NAME, min_size=3, max_size=6))):
        names[f"e{n}"] = [name]
    form = draw(st.sampled_from(["both", "truth", "which", "which-not"]))
    asked = list(names)[: draw(st.integers(2, len(names) - 1))]
    answers = ["yes", "no"] if form in ("both", "truth") else [names[entity][0] for entity in asked]
    return topic(str(form), "Which is it?", asked, str(draw(st.sampled_from(answers)))), names


@given(
    closed_topics(), st.sampled_from(["{}", "### Reasoning\nSo it is.\n### Answer\n{}", '{{"answer": "{}"}}', "{}."])
)
def test_the_reference_s_own_words_are_read_as_the_reference(
    made: tuple[Topic, dict[str, list[str]]], wording: str
) -> None:
    asked, names = made
    right = reference(asked, names)
    if right is not None:
        assert read_answer(wording.format(asked.answer), asked, names) == AnswerReading("said", right)


PIECES = [
    "satsuma", "oranges", "blood orange", "sweet-orange", "not", "the", "and", "or", "has", "does not", "while", ",",
    ". ", "?", "\n", "### Answer\n", "yes", "no", "so", "than", ":", "I cannot tell", "is", "{", '"answer":', "true",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(sorted(TOPICS)))
def test_nothing_is_said_that_is_not_there(pieces: list[str], form: str) -> None:
    reply = " ".join(pieces)
    read = read_answer(reply, TOPICS[form], CITRUS)
    assert (read.said is None) == (read.what != "said")
    if form == "both":
        assert read.said is None or any(word in reply for word in ("yes", "no", "true"))
    elif read.said is not None:
        assert any(name in reply.replace("-", " ") for name in CITRUS[read.said])
        assert read.said in PAIR


@given(st.text(max_size=60), st.sampled_from(sorted(TOPICS)))
def test_any_text_is_read(reply: str, form: str) -> None:
    named = [entity for entity in PAIR if entity in reply.casefold()]
    assert read_answer(reply, TOPICS[form], CITRUS).said in {None, "yes", "no", *named}


ENDLESS = [
    ("both", "\n"), ("both", "# "), ("both", "answer: "), ("both", "yes, no "), ("both", "can not "), ("both", "["),
    ("both", '{"answer":'), ("which", "satsuma, "), ("which", "a satsuma and an orange and "), ("which", "sweet - "),
    ("which", "satsuma is a b "), ("which", "so "),
]  # fmt: skip


class TooManyStepsError(Exception):
    """A reply took more of the processor than any that is read in one pass."""


@pytest.mark.parametrize(("form", "piece"), ENDLESS)
def test_a_million_characters_are_read_in_one_pass(form: str, piece: str) -> None:
    """What takes a step for each pair of characters would take hours; only this process's own work is counted."""

    def stop(*_: object) -> None:
        raise TooManyStepsError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    try:
        reply = piece * (1_000_000 // len(piece))
        assert read_answer(f"{reply}x", TOPICS[form], CITRUS).what in ("said", "abstained", "unparseable")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
