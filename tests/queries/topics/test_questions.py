import itertools

import pytest

from fieldguide.queries.topics.questions import CandidateQuestion, draw_key, reference_answer, subject_refusal
from tests.queries.topics.builders import FORMS, called, subject

DIFFER = {"a": "round", "b": "oval"}
SAME = {"a": "round", "b": "round"}
ODD = {"a": "round", "b": "oval", "c": "round"}


@pytest.mark.parametrize(
    ("form", "values", "asked", "answer"),
    [
        ("which", DIFFER, "round", "a"),
        ("which", DIFFER, "oval", "b"),
        ("which", SAME, "round", None),
        ("which", ODD, "round", None),
        ("which", ODD, "oval", "b"),
        ("which-not", DIFFER, "round", "b"),
        ("which-not", ODD, "round", "b"),
        ("which-not", ODD, "oval", None),
        ("both", SAME, "round", "yes"),
        ("both", ODD, "round", "no"),
        ("both", SAME, "oval", None),
        ("truth", DIFFER, "round", "yes"),
        ("truth", DIFFER, "oval", "no"),
        ("truth", ODD, "oval", "no"),
        ("truth", ODD, "round", None),
        ("truth", SAME, "round", None),
    ],
)
def test_reference_answers(form: str, values: dict[str, str], asked: str, answer: str | None) -> None:
    assert reference_answer(form, sorted(values), values, asked) == answer


def test_an_unknown_form_is_our_defect() -> None:
    with pytest.raises(ValueError, match="no such form: why"):
        reference_answer("why", ["a", "b"], DIFFER, "round")


def reason(about: object, names: dict[str, list[str]]) -> str | None:
    refusal = subject_refusal(about, names)  # type: ignore[arg-type]
    return refusal.reason if refusal else None


@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        (("Fuji", "Gala"), ("red", "green"), None),
        (("Fuji", "Gala"), ("green", "green"), None),
        (("Red Delicious", "Gala"), ("red", "green"), "gives-away-answer"),
        (("Red Delicious", "Gala"), ("reddish", "green"), "gives-away-answer"),
        (("Red Delicious", "Gala"), ("brown", "green"), None),
        (("Redfree", "Gala"), ("red", "green"), None),
        (("Fuji", "Golden Gala"), ("red", "gold"), "gives-away-answer"),
        (("Fuji", "Gala"), ("green", "yellow-green"), "ambiguous"),
        (("Fuji", "Gala"), ("greenish", "green"), "ambiguous"),
        (("Fuji", "Gala"), ("red and green", "red and yellow"), "ambiguous"),
        (("Fuji", "Gala"), ("ribbed", "unribbed"), None),
    ],
)
def test_why_a_subject_is_refused(names: tuple[str, str], values: tuple[str, str], expected: str | None) -> None:
    ids = called(*names)
    assert reason(subject(**dict(zip(ids, values, strict=True))), ids) == expected


def test_an_alias_gives_the_answer_away_too() -> None:
    refusal = subject_refusal(subject(a="orange", b="green"), {"a": ["satsuma", "satsuma orange"], "b": ["lime"]})
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (
        "gives-away-answer",
        "value 'orange' can be read off the name 'satsuma orange'",
    )


def test_words_of_feature_and_part_are_no_part_of_a_value() -> None:
    about = subject("shape", "outline", a="egg-shaped", b="bell-shaped")
    assert reason(about, {"a": ["Shape of Water"], "b": ["b"]}) is None


def test_unknown_entity_and_unknown_attribute_are_refused() -> None:
    about = subject(a="red", b="green")
    refusal = subject_refusal(about, {"a": ["A"]})
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == ("unknown-entity", "b: not among the mined entities")
    half = type(about)("a+b", ("a", "b"), "shape", "outline", {"a": "red"}, {"a": "curated"}, {})
    refusal = subject_refusal(half, {"a": ["A"], "b": ["B"]})
    assert refusal is not None
    assert (refusal.what, refusal.reason, refusal.detail) == (
        "a+b shape",
        "attribute-unknown",
        "unknown for b; known: a red",
    )


def candidate(form: str, order: tuple[str, ...], asked: str, **values: str) -> CandidateQuestion:
    answer = reference_answer(form, order, values, asked)
    assert answer is not None
    return CandidateQuestion(subject(**values), form, order, asked, answer, f"{form} {order} {asked}?")


def test_order_and_wording_do_not_change_the_meaning_but_the_form_does() -> None:
    found = [candidate(form, order, "round", **DIFFER) for form in FORMS for order in (("a", "b"), ("b", "a"))]
    assert len({item.meaning for item in found}) == len(FORMS)


def test_a_claim_about_two_means_the_same_whichever_value_is_asked() -> None:
    claims = [
        candidate("truth", order, asked, **DIFFER)
        for order, asked in itertools.product((("a", "b"), ("b", "a")), DIFFER.values())
    ]
    assert len({claim.meaning for claim in claims}) == 1
    choices = [candidate("which", ("a", "b"), asked, **DIFFER) for asked in DIFFER.values()]
    assert len({choice.meaning for choice in choices}) == 2


def test_the_record_of_a_question() -> None:
    topic = candidate("which", ("b", "a"), "round", **DIFFER).topic({"a": "Fuji", "b": "Gala"})
    assert (topic.answer, topic.entities, topic.values) == ("Fuji", ("b", "a"), {"b": "oval", "a": "round"})
    assert topic.provenance == {"group_id": "a+b", "asked": "round", "sources": {"b": "curated", "a": "curated"}}
    assert candidate("both", ("b", "a"), "round", **DIFFER).topic({}).answer == "no"


def test_a_draw_hangs_on_the_seed_and_on_what_is_asked() -> None:
    one, other = candidate("which", ("a", "b"), "round", **DIFFER), candidate("which", ("b", "a"), "round", **DIFFER)
    assert draw_key(1, one) == draw_key(1, one)
    assert len({draw_key(1, one), draw_key(2, one), draw_key(1, other)}) == 3
