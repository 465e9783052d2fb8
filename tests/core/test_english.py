import pytest

from fieldguide.core.english import listed, stem, stems, with_article, words


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("reddish", "red"),
        ("Golden", "gold"),
        ("striped", "stripes"),
        ("netted", "net"),
        ("ribbed", "ribs"),
        ("yellowish", "yellow"),
        ("oranges", "orange"),
        ("russeted", "russet"),
        ("greenish", "green"),
    ],
)
def test_forms_of_one_word_have_one_stem(first: str, second: str) -> None:
    assert stem(first) == stem(second)


@pytest.mark.parametrize(
    ("first", "second"), [("ribbed", "unribbed"), ("red", "round"), ("tan", "tapered"), ("glass", "glad")]
)
def test_different_words_keep_apart(first: str, second: str) -> None:
    assert stem(first) != stem(second)


def test_words_and_stems_of_a_text() -> None:
    assert words("A yellow-green skin, it's 3 cm") == ["A", "yellow", "green", "skin", "it", "s", "cm"]
    assert stems("red and Yellow") == ["red", "yellow"]


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("Anjou pear", "an Anjou pear"),
        ("honeydew melon", "a honeydew melon"),
        ("orange", "an orange"),
        ("unribbed surface", "an unribbed surface"),
        ("uniform skin", "a uniform skin"),
        ("unindented rim", "an unindented rim"),
        ("European beaver", "a European beaver"),
        ("one-eyed cat", "a one-eyed cat"),
        ("hourglass shape", "an hourglass shape"),
        ("the Moon", "the Moon"),
        ("umbrella", "an umbrella"),
    ],
)
def test_article_goes_by_sound(noun: str, expected: str) -> None:
    assert with_article(noun) == expected


def test_lists_as_a_sentence_does() -> None:
    assert [listed(["a"], "or"), listed(["a", "b"], "or"), listed(["a", "b", "c"], "and")] == [
        "a",
        "a or b",
        "a, b and c",
    ]
