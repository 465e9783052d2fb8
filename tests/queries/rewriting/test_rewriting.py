import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.english import stems
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import sha256_file
from fieldguide.core.paths import Paths
from fieldguide.queries.rewriting.rewriting import check_template, phrase_problem, rewrite
from fieldguide.queries.rewriting.section import Rewrite
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import Topic, read_phrases, write_records
from tests.models.endpoint import completion, endpoint
from tests.queries.topics.builders import entities


def a_topic(topic_id: str = "t00000001", kind: Any = "comparison", part: str = "skin", **values: str) -> Topic:
    feature = "appearance" if kind == "entity" else "colour"
    form = "entity" if kind == "entity" else "which"
    return Topic(topic_id, kind, form, "Which?", tuple(values), feature, part, "a", dict(values))


def benchmark(root: Path, *topics: Topic) -> Paths:
    paths = Paths(root)
    ENTITIES.write(paths.entities, entities("Fuji", "Gala"))
    write_records(paths.topics, topics)
    return paths


def test_each_subtopic_becomes_a_phrase_without_the_value(tmp_path: Path) -> None:
    one = a_topic("t2", gala="red", fuji="green")
    whole = a_topic("t1", "entity", "whole fruit", fuji="A Fuji is red and green.")
    paths = benchmark(tmp_path, one, whole)
    summary = rewrite(Rewrite(), paths)
    phrases = read_phrases(paths.phrases)
    assert [(p.subtopic_id, p.text, p.rewriter) for p in phrases] == [
        ("t1.e1", "a photo of Fuji", "template"),
        ("t2.e1", "a photo of Gala, showing the skin", "template"),
        ("t2.e2", "a photo of Fuji, showing the skin", "template"),
    ]
    assert summary.lines() == ["3 phrases by template, 3 of them different"]
    before = sha256_file(paths.phrases)
    rewrite(Rewrite(), paths)
    assert sha256_file(paths.phrases) == before


def test_expansions_are_other_wordings_in_the_order_asked_for(tmp_path: Path) -> None:
    whole = a_topic("t1", "entity", "whole fruit", fuji="A Fuji is red and green.")
    paths = benchmark(tmp_path, whole, a_topic("t2", gala="red"))
    rewrite(Rewrite(expansions=["the {part} of {entity}", "{entity} on a tree"]), paths)
    assert [(p.subtopic_id, p.text) for p in read_phrases(paths.expansions)] == [
        ("t1.e1", "Fuji on a tree"),
        ("t2.e1", "the skin of Gala"),
        ("t2.e1", "Gala on a tree"),
    ]
    rewrite(Rewrite(), paths)
    assert read_phrases(paths.expansions) == []


def test_expansions_may_give_no_more_away_than_phrases(tmp_path: Path) -> None:
    paths = benchmark(tmp_path, a_topic(gala="red", fuji="green"))
    with pytest.raises(ProblemsError, match=r"change rewrite\.expansions") as refused:
        rewrite(Rewrite(expansions=["{entity}, a reddish fruit"]), paths)
    assert "t00000001.e1 'Gala, a reddish fruit': gives away the value 'red' of colour" in str(refused.value)
    assert not paths.phrases.exists()
    with pytest.raises(FieldguideError, match=r"params\.yaml: rewrite\.expansions\.1: placeholder {value}"):
        rewrite(Rewrite(expansions=["{entity}", "{entity} {value}"]), paths)


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("a {value} {entity}", "placeholder {value}"),
        ("a photo, showing the {part}", "no {entity}"),
        ("a photo", "no {entity}"),
        ("{entity.__class__}", "placeholder {entity.__class__}"),
        ("{entity!r}", "placeholder {entity!r}"),
        ("{entity:>99}", "placeholder {entity:>99}"),
        ("{entity} {}", "placeholder {}"),
        ("{entity} {", "braces do not match"),
    ],
)
def test_a_template_may_use_entity_and_part_alone(tmp_path: Path, template: str, what: str) -> None:
    with pytest.raises(FieldguideError) as caught:
        rewrite(Rewrite(template=template), benchmark(tmp_path, a_topic(fuji="red")))
    assert str(caught.value).startswith(f"params.yaml: rewrite.template: {what} in {template!r}")
    assert "allowed are {entity}, which it must have, and {part}" in str(caught.value)


def test_braces_may_be_doubled() -> None:
    check_template("{{a}} photo of {entity}")


def test_a_template_that_gives_values_away_is_told_with_every_phrase(tmp_path: Path) -> None:
    paths = benchmark(tmp_path, a_topic("t1", gala="reddish", fuji="green"), a_topic("t2", gala="brown", fuji="brown"))
    with pytest.raises(ProblemsError) as caught:
        rewrite(Rewrite(template="a red {entity} with green leaves"), paths)
    text = str(caught.value)
    assert text.count("gives away the value 'green' of colour") == 2
    assert "t1.e1 'a red Gala with green leaves'" in text
    assert "t2" not in text
    assert not paths.phrases.exists()


def test_topics_of_unknown_entities_are_all_told(tmp_path: Path) -> None:
    paths = benchmark(tmp_path, a_topic(kiwi="red", fuji="green", plum="blue"))
    with pytest.raises(ProblemsError) as caught:
        rewrite(Rewrite(), paths)
    assert "t00000001.e1: entity 'kiwi' is not in" in str(caught.value)
    assert "t00000001.e3: entity 'plum' is not in" in str(caught.value)


WORD = st.text(string.ascii_letters, min_size=1, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=3).map(" ".join)


@given(WORDS, WORDS, st.dictionaries(WORD, WORDS, min_size=1, max_size=3), st.lists(WORD, max_size=4))
def test_a_phrase_that_passes_never_holds_a_value(
    name: str, part: str, values: dict[str, str], more: list[str]
) -> None:
    topic = a_topic(part=part, **values)
    for extra in ("", *values.values(), *more):
        text = f"a photo of {name}, showing the {part} {extra}".strip()
        if phrase_problem(text, topic, name) is None:
            told = set(stems(text)) - set(stems(name)) - set(stems(part))
            assert told.isdisjoint(stem for value in values.values() for stem in stems(value))
            assert name in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a photo of Fuji apple, showing the skin", None),
        ("A FUJI apple: its skin", None),
        ("a photo of Fuji", "does not name 'Fuji apple'"),
        ("a photo of Fujis apples", "does not name 'Fuji apple'"),
        ("a photo of Fuji apple with reddish skin", "gives away the value 'red' of colour"),
        ("a photo of Fuji apple, yellow-green", "gives away the value 'green' of colour"),
        ("", "must be one line of 1 to 200 printable characters"),
        ("Fuji apple\nskin", "must be one line of 1 to 200 printable characters"),
        ("Fuji apple " + "x" * 200, "must be one line of 1 to 200 printable characters"),
    ],
)
def test_why_a_phrase_cannot_be_used(text: str, problem: str | None) -> None:
    assert phrase_problem(text, a_topic(fuji="red", gala="green"), "Fuji apple") == problem


def test_a_word_of_the_name_is_not_given_away_by_the_name() -> None:
    assert phrase_problem("a photo of Red Delicious", a_topic(red="red"), "Red Delicious") is None


def by_chat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Paths:
    monkeypatch.setenv("TEST_CHAT_KEY", "k")
    whole = a_topic("t2", "entity", "whole fruit", fuji="A Fuji is red.")
    paths = benchmark(tmp_path, a_topic("t1", gala="red", fuji="green"), whole)

    def act(_: int, body: dict[str, Any]) -> tuple[int, Any]:
        return 200, answers['"entity": "Fuji"' in body["messages"][1]["content"]]

    with endpoint(act) as server:
        chat = {"base_url": server.base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 0}
        rewrite(Rewrite.model_validate({"rewriter": "chat", "chat": chat}), paths)
    return paths


def test_a_chat_model_rewrites_comparisons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = by_chat(tmp_path, monkeypatch, completion('"Gala apple, skin close up"\n'), completion("Fuji on a table"))
    found = [(p.text, p.rewriter) for p in read_phrases(paths.phrases)]
    assert found == [
        (text, "chat:tiny") for text in ("Gala apple, skin close up", "Fuji on a table", "a photo of Fuji")
    ]


def test_a_chat_model_that_gives_the_value_away_or_refuses_is_told_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProblemsError) as caught:
        by_chat(tmp_path, monkeypatch, completion("a green Gala"), completion(None, refusal="No fruit today."))
    assert "t1.e1 'a green Gala': gives away the value 'green' of colour" in str(caught.value)
    assert "t1.e2: the chat model refused: No fruit today." in str(caught.value)
