"""The model of assessors: recovers what is known, says what it cannot know, and depends on nothing but the votes."""

import numpy as np
import pytest

from fieldguide.annotation.judgments.consensus import by_majority, dawid_skene
from tests.annotation.simulated_votes import ASSESSORS, Simulation, simulate

SEEDS = range(5)


def misses(simulation: Simulation, known: dict[tuple[str, str], int] | None) -> np.ndarray:
    """(3,) by how much each assessor's estimated error rate misses the share of wrong votes."""
    errors = {e.assessor: e.error_rate for e in dawid_skene(simulation.votes, known).errors}
    return np.array([abs(errors[name] - simulation.wrong[name]) for name in ASSESSORS])


@pytest.mark.parametrize("seed", SEEDS)
def test_error_rates_of_300_tasks_with_adjudicated_disagreements(seed: int) -> None:
    simulation = simulate(seed)
    assert misses(simulation, simulation.disagreed()).max() < 0.05


def test_error_rates_of_300_tasks_with_a_tenth_gold() -> None:
    # One run of 300 tasks measures so much less than the test above: the mean over the assessors is what holds.
    found = [misses(s, dict(list(s.truth.items())[:30])).mean() for s in (simulate(seed, gold=30) for seed in SEEDS)]
    assert np.median(found) < 0.05


def test_error_rates_from_overlap_alone_need_more_tasks() -> None:
    assert misses(simulate(0, tasks=3000), None).max() < 0.05


def test_the_model_is_nearer_to_the_truth_than_the_majority() -> None:
    simulation = simulate(1, tasks=1200)
    wrong = [
        sum(d.grade != simulation.truth[pair] for pair, d in decide(simulation.votes).decisions.items())
        for decide in (by_majority, dawid_skene)
    ]
    assert wrong[1] < wrong[0]


def test_nothing_but_the_votes_counts() -> None:
    simulation = simulate(2, tasks=60)
    shuffled = dict(sorted(simulation.votes.items(), key=lambda item: item[0][1][::-1]))
    shuffled = {pair: dict(reversed(by.items())) for pair, by in shuffled.items()}
    known = simulation.disagreed()
    assert list(shuffled) != list(simulation.votes)
    assert dawid_skene(shuffled, dict(reversed(known.items()))) == dawid_skene(simulation.votes, known)


def test_rates_are_probabilities() -> None:
    for errors in dawid_skene(simulate(3).votes).errors:
        assert errors.grades == (0, 1, 2)
        assert np.array(errors.rates).sum(axis=1) == pytest.approx(1)
        assert sum(errors.images) == pytest.approx(errors.votes) == pytest.approx(200)
        wrong = sum(n * (1 - row[i]) for i, (n, row) in enumerate(zip(errors.images, errors.rates, strict=True)))
        assert errors.error_rate == pytest.approx(wrong / errors.votes, abs=1e-4)


def test_one_assessor_is_not_modelled() -> None:
    made = dawid_skene({("t1.e1", "a"): {"ada": 2}, ("t1.e1", "b"): {"ada": 0}})
    assert {pair[1]: (d.grade, d.decided_by, d.confidence) for pair, d in made.decisions.items()} == {
        "a": (2, "single", None), "b": (0, "single", None),
    }  # fmt: skip
    assert made.errors == ()
    assert made.notes == ("ada: no estimate, as no image was judged by anybody else or is known",)


def test_who_shares_no_image_has_no_estimate_and_others_do() -> None:
    votes = simulate(4, tasks=60).votes | {("t9.e1", "z"): {"dan": 7}}
    made = dawid_skene(votes)
    assert [e.assessor for e in made.errors] == ["ada", "ben", "cleo"]
    assert made.decisions["t9.e1", "z"].decided_by == "single"
    assert made.decisions["t9.e1", "z"].grade == 7
    assert set(made.prior) == {0, 1, 2}
    assert made.notes == ("dan: no estimate, as no image was judged by anybody else or is known",)


def test_two_assessors_cannot_be_told_apart_and_the_note_says_so() -> None:
    votes = {("t1.e1", str(n)): {"ada": 0 if n < 6 else 1, "ben": int(n % 2)} for n in range(12)}
    assert "ada and ben: two assessors' errors cannot be told apart" in dawid_skene(votes).notes[0]
    assert dawid_skene(votes, {("t1.e1", "0"): 0}).notes == ()


def test_a_known_grade_decides_and_one_that_nobody_gave_is_left_out() -> None:
    votes = {("t1.e1", str(n)): {"ada": n % 2, "ben": n % 2, "cleo": 1} for n in range(10)}
    made = dawid_skene(votes, {("t1.e1", "0"): 1, ("t1.e1", "1"): 2, ("t2.e1", "x"): 0})
    assert (made.decisions["t1.e1", "0"].grade, made.decisions["t1.e1", "0"].decided_by) == (1, "gold")
    assert made.decisions["t1.e1", "1"].decided_by == "dawid-skene"
    assert ("t2.e1", "x") not in made.decisions
    assert set(made.prior) == {0, 1}


def test_of_equally_probable_grades_the_lower_is_taken() -> None:
    made = dawid_skene({("t1.e1", "a"): {"ada": 1, "ben": 0}})
    decision = made.decisions["t1.e1", "a"]
    assert (decision.grade, decision.confidence) == (0, pytest.approx(0.5))


def test_all_of_one_mind() -> None:
    made = dawid_skene({("t1.e1", str(n)): {"ada": 0, "ben": 0, "cleo": 0} for n in range(5)})
    assert {d.grade for d in made.decisions.values()} == {0}
    assert [e.error_rate for e in made.errors] == pytest.approx([0, 0, 0])
    assert dawid_skene({}).decisions == {}
