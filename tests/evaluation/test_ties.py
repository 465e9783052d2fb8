"""Letters of systems against the pairs they stand for."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from fieldguide.evaluation.statistics.ties import letters

SYSTEMS = ["best", "good", "fair", "poor", "bad", "worst"]
PAIRS = [frozenset(pair) for pair in itertools.combinations(SYSTEMS, 2)]


def test_all_alike_share_one_letter_and_all_different_have_their_own() -> None:
    assert letters(SYSTEMS[:3], []) == {"best": "a", "good": "a", "fair": "a"}
    assert letters(SYSTEMS[:3], PAIRS) == {"best": "a", "good": "b", "fair": "c"}
    assert letters(["alone"], []) == {"alone": "a"}
    assert letters([], []) == {}


def test_a_chain_overlaps() -> None:
    """The textbook case: neighbours are alike, the ends are not."""
    found = letters(["best", "good", "fair"], [frozenset({"best", "fair"})])
    assert found == {"best": "a", "good": "ab", "fair": "b"}


@given(st.sets(st.sampled_from(PAIRS)))
def test_systems_share_a_letter_exactly_where_they_are_not_different(different: set[frozenset[str]]) -> None:
    found = letters(SYSTEMS, different)
    for pair in PAIRS:
        one, other = sorted(pair)
        assert bool(set(found[one]) & set(found[other])) == (pair not in different)
    assert "a" in found["best"]
    assert all(found.values())
    groups = [frozenset(s for s in SYSTEMS if letter in found[s]) for letter in sorted(set("".join(found.values())))]
    assert not any(one < other for one, other in itertools.permutations(groups, 2))  # no letter says what another does


def test_more_groups_than_the_alphabet_has_letters() -> None:
    systems = [f"s{number:02d}" for number in range(60)]
    different = [frozenset(pair) for pair in itertools.combinations(systems, 2)]
    found = letters(systems, different)
    assert len(set(found.values())) == 60
    assert all(len(letter) == 1 for letter in found.values())
