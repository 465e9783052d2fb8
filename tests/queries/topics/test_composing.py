import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fieldguide.queries.topics.composing import compose_subject, entity_topics, subjects
from fieldguide.queries.topics.questions import CandidateQuestion
from fieldguide.queries.topics.selection import answer_classes, select
from fieldguide.queries.topics.templates import wordings
from fieldguide.queries.wording.placeholders import placeholders
from fieldguide.records.topics import Refusal, Topic
from tests.queries.topics.builders import FORMS, attributes, called, entities, groups, nouns, subject

NAMES = ("Anjou pear", "Fuji", "orange")
VALUES = ("oval", "round", "striped", "unribbed")


def candidates(**values: str) -> list[CandidateQuestion]:
    names = {entity: [name] for entity, name in zip(sorted(values), NAMES, strict=False)}
    found = compose_subject(subject(part="skin", **values), FORMS, names, nouns(names), 1)
    return [item for item in found if isinstance(item, CandidateQuestion)]


def test_wordings_use_known_placeholders_only() -> None:
    known = {
        "options",
        "entities",
        "has",
        "has_not",
        "Do",
        "have",
        "Does",
        "each_have",
        "claim",
        "contrast",
        "the_claim",
        "count",
        "name",
        "does",
    }
    texts = [text for sizes in wordings().values() for wording in sizes.values() for text in wording]
    assert {name for text in texts for name in placeholders(text)} <= known
    assert all(text.endswith("?") for text in texts)
    assert set(wordings()) == {*FORMS, "entity"}


@given(st.lists(st.sampled_from(VALUES), min_size=2, max_size=3))
def test_questions_are_english(chosen: list[str]) -> None:
    for item in candidates(**dict(zip("abc", chosen, strict=False))):
        text = item.text
        assert text[0].isupper()
        assert text.count("?") == 1
        assert text.endswith("?")
        assert "{" not in text
        assert "  " not in text
        assert not re.search(r"\b(\w+) \1\b", text, re.IGNORECASE), text
        assert not re.search(r"\ban? (the|an?)\b|\ba [aeiou](?!ni)|\ban [^aeiouh]", text, re.IGNORECASE), text
        lowered = text.casefold()
        places = [lowered.index(NAMES["abc".index(entity)].casefold()) for entity in item.entities]
        assert places == sorted(places), text
        assert item.asked in text


def test_wordings_read_well() -> None:
    found = {item.text for item in candidates(a="oval", b="round")}
    assert "Which one has an oval skin: an Anjou pear or a Fuji?" in found or any("Between" in text for text in found)
    pair = {(item.form, item.entities, item.asked): item for item in candidates(a="oval", b="round")}
    claim = pair["truth", ("b", "a"), "oval"]
    assert claim.answer == "no"
    assert claim.text in {
        "Is it true that a Fuji has an oval skin, while an Anjou pear has a round skin?",
        "Is it right to say that a Fuji has an oval skin and an Anjou pear has a round skin?",
    }
    triple = {(item.form, item.entities[0], item.asked): item for item in candidates(a="oval", b="round", c="round")}
    only = triple["truth", "a", "oval"]
    assert only.answer == "yes"
    assert only.text.endswith("of an Anjou pear, a Fuji and an orange, only the Anjou pear has an oval skin?")


def test_forms_that_the_values_do_not_allow_are_refused_one_by_one() -> None:
    found = list(compose_subject(subject(a="round", b="round"), FORMS, called("A", "B"), nouns(called("A", "B")), 1))
    refused = {item.what: item.reason for item in found if isinstance(item, Refusal)}
    assert refused == dict.fromkeys(
        ("which: a+b shape", "truth: a+b shape", "which-not: a+b shape"), "not-distinguishing"
    )
    assert {item.form for item in found if isinstance(item, CandidateQuestion)} == {"both"}


def test_a_negation_is_not_negated() -> None:
    found = list(
        compose_subject(subject(a="ribbed", b="unribbed"), ["which-not"], called("A", "B"), nouns(called("A", "B")), 1)
    )
    assert [item.reason for item in found if isinstance(item, Refusal)] == ["double-negation"]
    assert {item.asked for item in found if isinstance(item, CandidateQuestion)} == {"ribbed"}


def test_subjects_come_from_accepted_groups_the_most_confusable_first() -> None:
    table = groups(["a", "b"], ["b", "c"], ["a", "c"], scores=[0.6, 0.4, 0.8])
    rows = attributes(
        ("a", "shape", "outline", "round"), ("c", "shape", "outline", "oval"), ("c", "size", "body", "big")
    )
    found = list(subjects(table, rows, {}))
    assert [[str(item) for item in of_group] for of_group in found] == [["a+c shape", "a+c size"], ["a+b shape"]]
    assert found[0][0].values == {"a": "round", "c": "oval"}
    assert found[0][1].values == {"c": "big"}


def test_one_question_an_entity_that_has_photographs() -> None:
    table = entities("Apple", "Orange", "Pear")
    table.loc[2, "description"] = None
    found = list(entity_topics(table, ["orange", "pear", "orange"], nouns(called("Orange", "Pear"))))
    topics = [item for item in found if isinstance(item, Topic)]
    assert [(t.text, t.form, t.kind, t.part, t.answer) for t in topics] == [
        ("What does an Orange look like?", "entity", "entity", "whole fruit", "Orange is sweet.")
    ]
    refused = [(item.what, item.reason) for item in found if isinstance(item, Refusal)]
    assert refused == [("entity: apple", "no-photographs"), ("entity: pear", "attribute-unknown")]


VALUE = st.sampled_from(["oval", "round", "square"])
GROUP = st.sets(st.sampled_from("abcdefgh"), min_size=2, max_size=3).map(sorted)
KNOWN = st.fixed_dictionaries({(e, f): VALUE for e in "abcdefgh" for f in ("shape", "leaf")})


@given(
    st.lists(GROUP, min_size=1, max_size=12, unique_by=tuple),
    KNOWN,
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(0, 9),
)
def test_what_is_selected_is_balanced(
    members: list[list[str]], known: dict[tuple[str, str], str], max_topics: int, per_group: int, seed: int
) -> None:
    names = {entity: [f"Sort {entity}"] for entity in "abcdefgh"}
    rows = [(entity, feature, "skin", value) for (entity, feature), value in known.items()]
    pool = [
        item
        for of_group in subjects(groups(*members), attributes(*rows), {})
        for about in of_group
        for item in compose_subject(about, FORMS, names, nouns(names), seed)
        if isinstance(item, CandidateQuestion)
    ]
    chosen = select(pool, max_topics, per_group, seed)
    assert len(chosen) <= max_topics
    assert len({item.meaning for item in chosen}) == len(chosen)
    assert max(Counter(item.subject.group_id for item in chosen).values(), default=0) <= per_group
    for form in FORMS:
        for size in (2, 3):
            counts = Counter(i.answer_class for i in chosen if (i.form, len(i.entities)) == (form, size))
            of_each = [counts[name] for name in answer_classes(form, size)]
            assert max(of_each) - min(of_each) <= 1
    assert [item.text for item in chosen] == [item.text for item in select(pool, max_topics, per_group, seed)]


def rich_pool(pairs: int) -> list[CandidateQuestion]:
    pool: list[CandidateQuestion] = []
    for number in range(pairs):
        ids = (f"p{number}", f"q{number}")
        names = {entity: [entity.upper()] for entity in ids}
        for feature, values in (
            ("shape", ("oval", "round")),
            ("skin", ("green", "green")),
            ("leaf", ("long", "short")),
        ):
            about = subject(feature, "side", **dict(zip(ids, values, strict=True)))
            pool += [
                item
                for item in compose_subject(about, FORMS, names, nouns(names), 0)
                if isinstance(item, CandidateQuestion)
            ]
    return pool


def test_naming_groups_and_features_are_spread() -> None:
    chosen = select(rich_pool(24), 48, 4, 0)
    assert len(chosen) == 48
    assert set(Counter(item.form for item in chosen).values()) == {12}
    assert set(Counter(item.subject.group_id for item in chosen).values()) == {2}
    for form in FORMS:
        first = Counter(item.first_named for item in chosen if item.form == form)
        assert abs(first[0] - first[1]) <= 2
    assert min(Counter(item.subject.feature for item in chosen).values()) >= 6


def test_the_seed_changes_the_choice_and_more_groups_do_not_change_a_wording() -> None:
    pool = rich_pool(6)
    assert {i.text for i in select(pool, 8, 2, 1)} != {i.text for i in select(pool, 8, 2, 2)}
    more = {(i.meaning, i.entities, i.asked): i.text for i in rich_pool(7)}
    assert all(more[i.meaning, i.entities, i.asked] == i.text for i in pool)
