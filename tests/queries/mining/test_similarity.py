import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from fieldguide.queries.mining.similarity import Lexical, class_means, common_path, taxonomic, visual

GRANNY = ["fruit", "Rosaceae", "Malus", "Granny"]
GALA = ["fruit", "Rosaceae", "Malus", "Gala"]
ANJOU = ["fruit", "Rosaceae", "Pyrus", "Anjou"]
ROCK = ["mineral", "Rock"]


def test_kinship_is_the_common_share_of_the_path() -> None:
    assert taxonomic([GRANNY, GALA]) == 1
    assert taxonomic([GRANNY, ANJOU]) == pytest.approx(2 / 3, abs=1e-6)
    assert taxonomic([GRANNY, ROCK]) == 0
    assert common_path([GRANNY, ANJOU]) == ("fruit", "Rosaceae")


def test_the_entities_themselves_do_not_count_as_common() -> None:
    assert taxonomic([["fruit", "x"], ["fruit", "x"]]) == 1
    assert common_path([["fruit", "x"], ["fruit", "x"]]) == ("fruit",)


@given(st.lists(st.lists(st.sampled_from("ab"), min_size=2, max_size=4), min_size=3, max_size=4))
def test_a_groups_kinship_never_exceeds_that_of_its_pairs(paths: list[list[str]]) -> None:
    assert taxonomic(paths) <= min(taxonomic([a, b]) for a in paths for b in paths)


TEXTS = {
    "a": "round apple with green skin",
    "b": "round apple with red stripes",
    "c": "long pear with brown russet",
    "d": "oval melon, netted",
    "e": "",
}


def test_lexical_similarity_is_symmetric_one_for_itself_and_zero_without_a_common_word() -> None:
    lexical = Lexical(TEXTS)
    assert lexical("a", "a") == 1
    assert lexical("a", "c") == 0
    assert 0 < lexical("a", "b") < 1
    assert lexical("a", "b") == lexical("b", "a")
    assert lexical("e", "a") == 0


def test_lexical_similarity_is_bm25_over_its_own_score() -> None:
    words = [["round", "appl"], ["round", "pear"], ["plum"], ["fig"]]
    index = BM25Okapi(words)
    shares = [index.get_scores(words[q])[d] / index.get_scores(words[q])[q] for q, d in ((0, 1), (1, 0))]
    lexical = Lexical({"a": "round apple", "b": "round pear", "c": "plum", "d": "fig"})
    assert lexical("a", "b") == pytest.approx(sum(shares) / 2, abs=1e-6)


def test_class_means_are_centred_on_the_mean_class_not_on_the_largest() -> None:
    vectors = {"a": np.array([[1.0, 0.0]] * 9), "b": np.array([[0.0, 1.0]])}
    means = class_means(vectors)
    np.testing.assert_allclose(means["a"], [0.5**0.5, -(0.5**0.5)])
    assert visual(means["a"], means["b"]) == 0
    assert visual(means["a"], means["a"]) == 1


def test_a_single_class_is_like_nothing() -> None:
    means = class_means({"a": np.ones((2, 3))})
    assert visual(means["a"], means["a"]) == 0.5
    assert class_means({}) == {}
