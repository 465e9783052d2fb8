import json
from pathlib import Path

import pytest

from fieldguide.core.errors import ProblemsError
from fieldguide.queries.knowledge.records import Attribute, Entity, Feature, Knowledge
from fieldguide.queries.mining.merging import merge
from fieldguide.queries.mining.wordnet import Stated, Synset, by_lemma, read_glosses, sense_of, stated_values
from fieldguide.records.topics import Refusal

FEATURES = {
    "skin colour": Feature(
        part="skin", said_of=["skin", "rind"], of_whole=True, values=["red", "yellow", "green", "white", "brown"]
    ),
    "texture": Feature(part="surface", said_of=["skin"], of_whole=True, values=["smooth"]),
    "shape": Feature(part="shape", of_whole=True, values=["round", "oblong"]),
}


def synset(name: str, gloss: str, *path: str) -> Synset:
    return Synset(f"{name}.n.01", (name.replace("_", " "),), gloss, tuple(f"{n}.n.01" for n in (*path, name)))


def stated(gloss: str, *path: str) -> dict[str, str]:
    found = stated_values(synset("thing", gloss, "edible_fruit", *path), FEATURES)
    return {
        item.feature: item.value if isinstance(item, Stated) else item.reason
        for item in found
        if isinstance(item, Stated) or item.what
    }


@pytest.mark.parametrize(
    ("gloss", "expected"),
    [
        ("a pear with firm flesh and a green skin", {"skin colour": "green"}),
        ("a sweet eating apple with bright red skin; most widely grown apple worldwide", {"skin colour": "red"}),
        (
            "a large smooth greenish-white melon with pale green flesh",
            {"skin colour": "greenish-white", "texture": "smooth"},
        ),
        ("small melon with yellowish flesh", {}),
        ("early-ripening apple popular in the northeastern United States", {}),
        ("an apple whose red flesh is sweet", {}),
    ],
)
def test_only_what_a_gloss_says_of_the_outside_is_read(gloss: str, expected: dict[str, str]) -> None:
    assert stated(gloss, "apple", "pear", "melon") == expected


@pytest.mark.parametrize(
    "gloss", ["fruit with red or yellow or green skin", "round yellow to green fruit", "red pear; yellow pear"]
)
def test_a_gloss_that_leaves_a_choice_is_refused(gloss: str) -> None:
    found = [x for x in stated_values(synset("thing", gloss, "fruit", "pear"), FEATURES) if isinstance(x, Refusal)]
    assert [(r.reason, "skin colour" in r.what, gloss in r.detail) for r in found] == [("leaves-a-choice", True, True)]


def test_evidence_is_the_gloss_with_its_synset() -> None:
    (item,) = stated_values(synset("bosc", "greenish-yellow pear", "pear"), FEATURES)
    assert item == Stated("skin colour", "skin", "greenish-yellow", "WordNet bosc.n.01: greenish-yellow pear")


def an_entity(wordnet: str | None, **changes: object) -> Entity:
    values = {
        "entity_id": "pink-lady",
        "name": "Pink Lady apple",
        "taxonomy": ["fruit", "Malus", "Pink Lady"],
        "wordnet": wordnet,
    }
    return Entity.model_validate({**values, **changes})


def test_a_pink_lady_is_not_taken_for_the_cocktail() -> None:
    cocktail = synset("pink_lady", "a cocktail made of gin and brandy", "drink", "cocktail")
    apple = Synset(
        "pink_lady.n.02", ("pink lady",), "a red apple", ("edible_fruit.n.01", "apple.n.01", "pink_lady.n.02")
    )
    assert sense_of(an_entity("Pink_Lady"), by_lemma([cocktail, apple])) == apple
    refusal = sense_of(an_entity("pink lady", name="Cripps", taxonomy=["fruit", "Malus"]), by_lemma([cocktail]))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "another-sense"
    assert "a cocktail made of gin" in refusal.detail


def test_a_lemma_that_wordnet_lacks_is_refused_and_none_is_not_looked_up() -> None:
    assert sense_of(an_entity(None), {}) is None
    assert sense_of(an_entity("gala"), {}) == Refusal(
        "pink-lady wordnet", "no-synset", "WordNet has no synset with lemma 'gala'"
    )


def attribute(feature: str, part: str, value: str) -> Attribute:
    return Attribute(entity_id="pink-lady", feature=feature, part=part, value=value, evidence="curator: seen")


def merged(gloss: str, *attributes: Attribute) -> tuple[dict[str, tuple[str, str]], str, list[str]]:
    knowledge = Knowledge({"pink-lady": an_entity("pink lady", description="Looks good.")}, list(attributes), FEATURES)
    result = merge(knowledge, [synset("pink_lady", gloss, "edible_fruit", "apple")])
    rows = {row["feature"]: (row["value"], row["source"]) for row in result.attributes}
    return rows, result.entities[0]["description"], [refusal.reason for refusal in result.refused]


def test_sources_that_agree_are_both_named_and_the_gloss_joins_the_description() -> None:
    rows, description, refused = merged("a smooth red apple", attribute("skin colour", "skin", "red"))
    assert rows == {"skin colour": ("red", "curated+wordnet"), "texture": ("smooth", "wordnet")}
    assert description == "Looks good. A smooth red apple."
    assert not refused


def test_a_contradiction_is_refused_the_curator_is_right_and_the_gloss_stays_out() -> None:
    rows, description, refused = merged("a brown apple", attribute("skin colour", "skin", "red"))
    assert rows == {"skin colour": ("red", "curated")}
    assert description == "Looks good."
    assert refused == ["contradicts-curated"]


def test_a_coarser_word_is_no_contradiction() -> None:
    rows, _, refused = merged("a yellow apple", attribute("skin colour", "skin", "yellow-green"))
    assert rows == {"skin colour": ("yellow-green", "curated")}
    assert not refused


def test_glosses_with_mistakes_are_all_told(tmp_path: Path) -> None:
    good = {"synset": "a.n.01", "lemmas": ["a"], "gloss": "letter", "hypernym_path": ["a.n.01"]}
    path = tmp_path / "glosses.jsonl"
    path.write_text(
        "\n".join(json.dumps(row) for row in (good, {**good, "gloss": 3}, {"synset": "b.n.01"})), encoding="utf-8"
    )
    with pytest.raises(ProblemsError) as caught:
        read_glosses(path)
    assert "glosses.jsonl:2: `gloss`: Input should be a valid string" in str(caught.value)
    assert "glosses.jsonl:3: `lemmas`" in str(caught.value)
