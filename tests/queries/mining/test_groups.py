from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from fieldguide.queries.mining.groups import Group, Judge, find_groups, related_pairs
from fieldguide.queries.mining.section import Mine

IDS = "abcdef"


def judge(max_entities: int = 3, min_score: float = 0.5, photographed: str = IDS, **taxonomy: list[str]) -> Judge:
    params = Mine.model_validate(
        {"encoder": "e", "max_entities": max_entities, "min_score": min_score,
         "weights": {"taxonomic": 0, "lexical": 0, "visual": 1}}
    )  # fmt: skip
    paths = {name: ["fruit", "apple", name] for name in IDS} | taxonomy
    return Judge(params, {name: name.upper() for name in IDS}, paths, frozenset(photographed))


def groups(judge: Judge, alike: set[tuple[str, str]], names: str = IDS) -> dict[tuple[str, ...], Group]:
    pairs = related_pairs({name: judge.taxonomy[name] for name in names})
    found = find_groups(judge, pairs, lambda a, b: 0.0, lambda a, b: 1.0 if (a, b) in alike else 0.0)
    assert len({group.entities for group in found}) == len(found)
    return {group.entities: group for group in found}


def test_pairs_that_share_only_the_root_are_not_looked_at() -> None:
    taxonomy = {
        "a": ["fruit", "apple", "a"],
        "b": ["fruit", "pear", "b"],
        "c": ["fruit", "apple", "c"],
        "d": ["fruit", "d"],
    }
    assert list(related_pairs(taxonomy)) == [("a", "c")]


def test_refused_groups_say_why() -> None:
    found = groups(judge(photographed="ab"), {("a", "b"), ("a", "c")}, "abc")
    assert found["a", "b"].accepted
    assert found["a", "b"].reason == "share apple; class means 1.00 alike; descriptions 0.00 alike"
    assert found["b", "c"].reason.startswith("no photographs of C in the gallery; share apple")
    found = groups(judge(), set(), "ab")
    assert found["a", "b"].reason.startswith("score 0.00 below 0.50; share apple")
    assert found["a", "b"].row()["group_id"] == "a+b"


def test_scores_are_means_weighted_and_normalised() -> None:
    params = Mine.model_validate({"encoder": "e", "weights": {"taxonomic": 0.5, "lexical": 0.5, "visual": 1}})
    paths = {"a": ["fruit", "x", "y", "a"], "b": ["fruit", "x", "z", "b"]}
    found = Judge(params, {"a": "A", "b": "B"}, paths, frozenset("ab")).group(["a", "b"], 0.3, 0.9)
    assert found.score == round((0.5 * found.taxonomic + 0.5 * 0.3 + 0.9) / 2, 6)
    assert found.taxonomic == 0.666667


@given(st.sets(st.sampled_from(list(combinations(IDS, 2)))), st.integers(2, 5))
def test_larger_groups_are_exactly_those_all_of_whose_pairs_were_accepted(
    alike: set[tuple[str, str]], most: int
) -> None:
    found = groups(judge(most), alike)
    expected = {
        group
        for size in range(3, most + 1)
        for group in combinations(IDS, size)
        if set(combinations(group, 2)) <= alike
    }
    assert {group for group in found if len(group) > 2} == expected
    assert all(found[group].accepted for group in expected)


def test_pairs_come_sorted_and_one_at_a_time() -> None:
    families = {f"{letter}{n}": ["bird", family, f"{letter}{n}"] for family, letter in ("gx", "hw") for n in range(9)}
    assert list(related_pairs(families)) == sorted(related_pairs(families))
    assert len(list(related_pairs(families))) == 2 * 36
    many = {f"e{n:06}": ["bird", "gull", f"e{n}"] for n in range(100_000)}  # five thousand million pairs
    assert next(related_pairs(many)) == ("e000000", "e000001")
