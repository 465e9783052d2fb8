"""Array measures give trec_eval's numbers, for many labellings at once."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.evaluation.fitness.arrays import array_measure
from tests.evaluation.fitness.boards import board, case, images

MEASURES = ("nDCG", "nDCG@3", "P@1", "P@10", "R@3", "Success@2", "AP", "AP@4", "RR")
POOL = images(12)

# With negative grades alone trec_eval reads memory that is not its own, and may never end.
labels = st.dictionaries(st.sampled_from(POOL), st.integers(-1, 2), min_size=1).filter(lambda by: max(by.values()) >= 0)
rankings = st.lists(st.sampled_from(POOL), unique=True)


@given(st.lists(labels, min_size=1, max_size=3), rankings, rankings)
@settings(max_examples=150, deadline=None)
def test_they_are_trec_evals_numbers(labellings: list[dict[str, int]], one: list[str], other: list[str]) -> None:
    runs = {"one": one, "other": other}
    measures = [ir_measures.parse_measure(name) for name in MEASURES]
    made = case(runs, labellings[0], POOL)
    grades = np.array([[max(0, by.get(image, 0)) for image in made.images] for by in labellings])
    for row, (system, ranked) in enumerate(runs.items()):
        for number, judged in enumerate(labellings):
            run = {"q": {image: -float(rank) for rank, image in enumerate(ranked)}}
            theirs = {str(m.measure): m.value for m in ir_measures.iter_calc(measures, {"q": judged}, run)}
            for name in MEASURES:
                mine = made.values(array_measure(name), grades)[row, number]
                assert mine == pytest.approx(theirs[name], abs=1e-9), (name, system)


def test_a_ranking_without_an_image_has_nothing() -> None:
    made = board(case({"none": [], "some": ["i000"]}, {"i000": 1}))
    assert made.means(array_measure("nDCG@10")) == {"none": 0.0, "some": 1.0}


def test_a_measure_without_an_array_form_is_refused_with_what_would_work() -> None:
    with pytest.raises(FieldguideError, match=r"fitness\.measure: 'Bpref' cannot be simulated; allowed: AP, P, R, RR"):
        array_measure("Bpref")
    with pytest.raises(FieldguideError, match=r"'nDCG\(dcg='exp-log2'\)@10'|cannot be (computed|simulated)"):
        array_measure("P(rel=2)@10")
    with pytest.raises(ProblemsError, match="'precision' is no measure"):
        array_measure("precision")
