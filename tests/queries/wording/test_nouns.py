import pytest

from fieldguide.queries.wording.nouns import agreeing, is_plural, noun, with_part

PLURALS = (
    "skins wings teeth feet cattle scissors Satsumas glasses antennae hooves leaves eyes trousers geese people "
    "bananas pandas zebras flamingos olives potatoes mice children jeans shoes sunglasses stairs fungi larvae nuts "
    "foxes wolves grapes Kudus gnus emus marigolds daisies petals whiskers tusks antlers horns claws scales branches"
)
SINGULARS = (
    "iris walrus rhinoceros hippopotamus octopus albatross moss cactus species sheep proboscis tarsus bus deer lens "
    "series canvas compass Venus gas atlas lynx ibis bass glass asparagus hibiscus crocus clematis amaryllis phlox "
    "mantis thorax brass platypus abdomen panda zebra banana begonia camera fish bison grass oasis citrus mongoose "
    "lettuce goose mouse wildebeest princess fortress"
)


def test_plurals_are_told_from_words_that_end_like_them() -> None:
    assert [word for word in PLURALS.split() if not is_plural(word)] == []
    assert [word for word in SINGULARS.split() if is_plural(word)] == []
    assert is_plural("birds of paradise")
    assert not is_plural("bird of paradise")


@pytest.mark.parametrize(
    ("value", "part", "expected"),
    [
        ("green", "skin", "a green skin"),
        ("oval", "shape", "an oval shape"),
        ("striped", "wings", "striped wings"),
        ("red and green", "glass", "a red and green glass"),
        ("brown", "fur", "brown fur"),
        ("one", "humps", "one hump"),
        ("2", "hump", "2 humps"),
        ("no", "tooth", "no teeth"),
        ("cleft", "feet", "cleft feet"),
        ("serrated", "leaf", "a serrated leaf"),
    ],
)
def test_a_value_and_its_part_are_something_one_has(value: str, part: str, expected: str) -> None:
    assert with_part(value, part) == expected


def test_names_stand_with_their_article_and_number() -> None:
    assert (noun("owl").said, noun("owl").definite) == ("an owl", "the owl")
    assert (noun("Satsumas").said, noun("Satsumas").definite) == ("Satsumas", "the Satsumas")
    assert (noun("the Moon").said, noun("the Moon").definite) == ("the Moon", "the Moon")
    assert (noun("Marie Curie", said="Marie Curie").definite) == "Marie Curie"
    assert noun("Athens", said="Athens", plural=False).definite == "Athens"
    assert noun("herring", plural=True).said == "herring"
    assert agreeing("green", "legs") == "legs"
