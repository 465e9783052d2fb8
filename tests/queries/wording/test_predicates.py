import doctest

import pytest

from fieldguide.queries.wording import predicates
from fieldguide.queries.wording.predicates import parse_predicate
from fieldguide.queries.wording.saying import said_of


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(predicates).failed == 0


@pytest.mark.parametrize(
    ("said", "many", "denied"),
    [
        ("has two humps", "have two humps", "does not have two humps"),
        ("is striped", "are striped", "is not striped"),
        ("can fly", "can fly", "cannot fly"),
        ("carries its young", "carry their young", "does not carry its young"),
        ("lies in the sun", "lie in the sun", "does not lie in the sun"),
        ("catches fish", "catch fish", "does not catch fish"),
        ("uses tools", "use tools", "does not use tools"),
        ("goes on four legs", "go on four legs", "does not go on four legs"),
        ("hides itself", "hide themselves", "does not hide itself"),
        ("waddles", "waddle", "does not waddle"),
    ],
)
def test_verbs_are_turned(said: str, many: str, denied: str) -> None:
    predicate = parse_predicate(said)
    assert (predicate.of_one, predicate.of_many, predicate.denied) == (said, many, denied)


@pytest.mark.parametrize(
    "said",
    ["two humps", "often has two humps", "striped", "has", "grass green", "Has a mane", "cannot fly", "isn't grey"],
)
def test_what_does_not_begin_with_a_verb_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="must begin with its verb"):
        parse_predicate(said)


@pytest.mark.parametrize(
    ("said", "value", "expected"),
    [
        ({"no": "does not have a mane"}, "no", "questions deny by themselves"),
        ({"no": "is not striped"}, "no", "questions deny by themselves"),
        ("walks on {value} legs", "none", "does not read with 'none'"),
        (None, "present", "`has a present head` does not read"),
        (None, "covered with scales", "does not read"),
        (None, "N/A", "does not read"),
        ("has a mane", "long", "lacks {value}"),
        ("has {valu}", "long", "allowed in braces are value, a_value, part"),
        ("has {value", "long", "braces do not match"),
        ({"long": "has a long mane"}, "short", "no predicate for the value 'short'; it has long"),
        ("{value} mane", "long", "must begin with its verb"),
    ],
)
def test_what_cannot_be_said_is_refused(said: object, value: str, expected: str) -> None:
    with pytest.raises(ValueError) as caught:
        said_of(said, "head", value)  # type: ignore[arg-type]
    assert expected in str(caught.value)
