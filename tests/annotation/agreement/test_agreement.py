"""Agreement: published worked examples, crowd-kit's value, and what is undefined."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fieldguide.annotation.agreement.agreement import agreement
from fieldguide.annotation.agreement.alpha import IntervalEstimate, alpha, alphas, coincidences, value_counts
from fieldguide.annotation.agreement.individuals import individuals
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment, LogEntry
from tests.annotation.reference_alpha import reference_alpha
from tests.annotation.simulated_votes import simulate

CHOICES = {2: "plain", 1: "partly", 0: "not-visible", None: "cannot-tell"}
Rows = dict[str, str]
Counts = st.integers(2, 4).flatmap(
    lambda values: arrays.arrays(np.int64, st.tuples(st.integers(1, 12), st.just(values)), elements=st.integers(0, 2))
)

# K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011: sections A, B, C (nominal) and D (ordinal).
# One string an observer, one character a unit, a dot where the observer gave no value.
MEG_AND_OWEN = {"meg": "0100000010", "owen": "1110010000"}
BEN_AND_GERRY = {"ben": "aabbdcccedda", "gerry": "babbbccceddd"}
FOUR_OBSERVERS = {"a": "123321412...", "b": "1233224125.3", "c": ".3332342251.", "d": "12332441251."}


def units(rows: Rows) -> list[dict[str, str]]:
    return [
        {observer: values[n] for observer, values in rows.items() if values[n] != "."}
        for n in range(len(next(iter(rows.values()))))
    ]


def estimate(rows: Rows, level: str) -> IntervalEstimate:
    answers = units(rows)
    domain = sorted(set("".join(rows.values())) - {"."})
    return alpha(value_counts(answers, domain), ["t"] * len(answers), level, 0.95, 200, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "level", "published", "pairable"),
    [
        (MEG_AND_OWEN, "nominal", 0.095, 10),
        (BEN_AND_GERRY, "nominal", 0.692, 12),
        (FOUR_OBSERVERS, "nominal", 0.743, 11),
        (FOUR_OBSERVERS, "ordinal", 0.815, 11),
    ],
)
def test_published_examples(rows: Rows, level: str, published: float, pairable: int) -> None:
    made = estimate(rows, level)
    assert made.value == pytest.approx(published, abs=0.0005)
    assert made.units == pairable  # the last unit of the four observers has one value only
    assert made.low is not None
    assert made.high is not None
    assert made.low < made.value < made.high


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
@settings(max_examples=40)
@given(counts=Counts, data=st.data())
def test_a_weighted_resample_is_crowd_kits_alpha_of_the_resampled_units(
    level: str, counts: np.ndarray, data: st.DataObject
) -> None:
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(counts), max_size=len(counts))))
    resampled = np.repeat(counts, times, axis=0)
    resampled = resampled[resampled.sum(axis=1) >= 2]
    ours = alphas(np.tensordot(times.astype(float), coincidences(counts), axes=1), level)  # type: ignore[arg-type]
    if (resampled.sum(axis=0) > 0).sum() < 2:
        assert np.isnan(ours)
    else:
        said = [np.repeat(np.arange(len(unit)), unit) for unit in resampled]
        theirs = reference_alpha([{str(n): int(value) for n, value in enumerate(by)} for by in said], level)
        assert float(ours) == pytest.approx(theirs, abs=1e-9)


@given(st.permutations(range(12)), st.permutations("abcd"))
def test_neither_units_nor_observers_have_an_order(order: list[int], names: list[str]) -> None:
    rows = dict(zip(names, FOUR_OBSERVERS.values(), strict=True))
    shuffled = {name: "".join(rows[name][n] for n in order) for name in names}
    assert estimate(shuffled, "ordinal").value == pytest.approx(estimate(FOUR_OBSERVERS, "ordinal").value, abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({"a": "1.", "b": ".2"}, "no image has answers by two assessors"),
        ({"a": "111", "b": "11."}, "all answers are the same, so that agreement cannot be told from chance"),
        # the third unit's 2 has no partner and does not count
        ({"a": "112", "b": "11."}, "all answers are the same, so that agreement cannot be told from chance"),
    ],
)
def test_what_is_undefined_is_no_number(rows: Rows, reason: str) -> None:
    made = estimate(rows, "nominal")
    assert (made.value, made.low, made.high, made.reason) == (None, None, None, reason)


def test_too_few_differing_answers_have_a_value_and_no_interval() -> None:
    for rows in ({"a": "11", "b": "12"}, {"a": "1", "b": "2"}):
        made = estimate(rows, "nominal")
        assert made.value is not None
        assert (made.low, made.high, made.reason) == (None, None, "too few differing answers for an interval")


def test_the_interval_resamples_topics_where_there_are_several() -> None:
    # Two topics, in one of which two assessors always agree and in the other never: the units say more than the topics.
    counts = value_counts(units({"a": "01" * 40, "b": "01" * 20 + "10" * 20}), ["0", "1"])
    topics = ["agree"] * 40 + ["differ"] * 40
    clustered = alpha(counts, topics, "nominal", 0.95, 400, 1)
    single = alpha(counts, ["t"] * 80, "nominal", 0.95, 400, 1)
    assert clustered.value == single.value
    # `differ` drawn twice: 160 values, half of them 0, every one beside another: 1 - 159 * 160 / (2 * 80 * 80)
    assert (clustered.low, clustered.high) == (pytest.approx(-0.9875), pytest.approx(1.0))
    assert -0.4 < single.low < single.high < 0.4  # type: ignore[operator]


def test_a_seed_gives_an_interval() -> None:
    assert estimate(FOUR_OBSERVERS, "ordinal") == estimate(FOUR_OBSERVERS, "ordinal")


def entries_of(
    path: Path, said: Mapping[tuple[str, str], Mapping[str, int | None]], more: Sequence[Judgment] = ()
) -> tuple[LogEntry, ...]:
    return log.append(
        path,
        [
            Judgment(
                subtopic_id=subtopic, image_id=image, assessor=a, grade=g, choice=CHOICES[g], guideline="look-1"
            )
            for (subtopic, image), by in said.items()
            for a, g in by.items()
        ]
        + list(more),
    ).entries  # fmt: skip


def test_alpha_of_the_log_is_alpha_of_the_answers(tmp_path: Path) -> None:
    simulation = simulate(5)
    made = agreement(entries_of(tmp_path / "log.jsonl", simulation.votes), draws=50, seed=1)
    grades = {pair: {a: g for a, g in by.items() if g is not None} for pair, by in simulation.votes.items()}
    for level, found in (("ordinal", made.overall.ordinal), ("nominal", made.overall.nominal)):
        assert found.value == pytest.approx(reference_alpha(list(grades.values()), level))
    assert made.overall.choices.value == pytest.approx(made.overall.nominal.value)
    assert made.overall.ordinal.units == 300
    assert sorted(made.topics) == [f"t{n:03d}" for n in range(10)]
    first = [by for (subtopic, _), by in grades.items() if subtopic == "t003.e1"]
    assert made.topics["t003"].ordinal.value == pytest.approx(reference_alpha(first, "ordinal"))


def test_choices_without_a_grade_are_missing_grades_and_values_among_choices(tmp_path: Path) -> None:
    said = {
        ("t1.e1", "a"): {"ada": 1, "ben": None}, ("t1.e1", "b"): {"ada": None, "ben": None},
        ("t1.e1", "c"): {"ada": 2, "ben": 2}, ("t1.e1", "d"): {"ada": 0, "ben": 0},
    }  # fmt: skip
    ruling = Judgment(
        subtopic_id="t1.e1", image_id="a", assessor="dora", grade=0, choice="not-visible", guideline="look-1",
        role="adjudicator",
    )  # fmt: skip
    made = agreement(entries_of(tmp_path / "log.jsonl", said, [ruling]), draws=20).overall
    assert (made.nominal.value, made.nominal.units) == (1.0, 2)
    assert made.choices.units == 4
    # partly 1, cannot-tell 3, plain 2, not-visible 2 of 8; 2 of 8 values lie in a pair that differs
    expected = 1 - 7 * 2 / (8 * 8 - (1 + 9 + 4 + 4))
    assert made.choices.value == pytest.approx(expected)


def test_cohens_kappa_of_two_assessors(tmp_path: Path) -> None:
    # J. Cohen, Psychological Bulletin 70(4), 1968, does not print units; these are four, worked by hand:
    # observed 3/4; expected (2*1 + 1*2 + 1*1)/16 = 5/16; kappa = (12 - 5)/(16 - 5).
    # Squared differences: observed 1; expected over all 16 combinations 25, of which 4 are observed at random.
    pairs = {"a": (0, 0), "b": (0, 1), "c": (1, 1), "d": (2, 2)}
    said = {("t1.e1", i): {"ada": a, "ben": b} for i, (a, b) in pairs.items()} | {("t1.e1", "e"): {"cleo": 1}}
    made = agreement(entries_of(tmp_path / "log.jsonl", said), draws=20).kappas
    assert [(k.first, k.second, k.images) for k in made] == [("ada", "ben", 4), ("ada", "cleo", 0), ("ben", "cleo", 0)]
    assert made[0].same == 0.75
    assert made[0].unweighted == pytest.approx(7 / 11)
    products = sum((a - b) ** 2 for a in (0, 0, 1, 2) for b in (0, 1, 1, 2))
    assert made[0].quadratic == pytest.approx(1 - 1 / (products / 4))
    assert made[1].reason == "no image was graded by both"
    assert (made[1].unweighted, made[1].quadratic, made[1].same) == (None, None, None)


def test_two_who_always_say_the_same_have_no_kappa(tmp_path: Path) -> None:
    said = {("t1.e1", i): {"ada": 0, "ben": 0} for i in "abc"}
    kappa = agreement(entries_of(tmp_path / "log.jsonl", said), draws=20).kappas[0]
    assert (kappa.same, kappa.unweighted, kappa.quadratic) == (1.0, None, None)
    assert kappa.reason == "both gave the same grade to every image, so that agreement cannot be told from chance"


def test_each_assessor(tmp_path: Path) -> None:
    said = {
        ("t1.e1", "a"): {"ada": 2, "ben": 0}, ("t1.e1", "b"): {"ada": 1, "ben": 0, "cleo": 1},
        ("t2.e1", "c"): {"ada": 0, "ben": 0, "cleo": None}, ("t2.e1", "d"): {"cleo": 2},
    }  # fmt: skip
    again = [
        Judgment(subtopic_id=s, image_id=i, assessor="ada", grade=g, choice=CHOICES[g], guideline="look-1", pass_=2)
        for s, i, g in (("t1.e1", "a", 2), ("t2.e1", "c", 1))
    ]
    gold = {("t1.e1", "a"): 2, ("t2.e1", "c"): 0, ("t9.e1", "x"): 1}
    decided = {("t1.e1", "a"): 2, ("t1.e1", "b"): 1, ("t2.e1", "c"): 0}
    ada, ben, cleo = individuals(entries_of(tmp_path / "log.jsonl", said, again), gold=gold, decided=decided)
    assert [one.assessor for one in (ada, ben, cleo)] == ["ada", "ben", "cleo"]
    assert (ada.gold.count, ada.gold.of, ada.gold.share) == (2, 2, 1.0)
    assert (ben.gold.count, ben.gold.of) == (1, 2)
    assert (cleo.gold.count, cleo.gold.of) == (0, 1)  # cannot-tell is not the known grade
    # Wilson's interval of 2 of 2 is z²/(n + z²) to 1, with z = 1.959964
    assert ada.gold.low == pytest.approx(2 / (2 + 1.959964**2), abs=1e-6)
    assert (ada.repeats.count, ada.repeats.of) == (1, 2)
    assert (ben.repeats.of, ben.repeats.share) == (0, None)
    # ada: +2 on a, +.5 on b (others 0 and 1), 0 on c
    assert (ada.bias.value, ada.bias.units) == (pytest.approx(2.5 / 3), 3)
    half = 12.7062 * 2 * (2.5 / 3) / 3  # two topics: one degree of freedom, both 2.5 / 3 off
    assert (ada.bias.low, ada.bias.high) == pytest.approx((2.5 / 3 - half, 2.5 / 3 + half), abs=1e-4)
    assert ben.bias.value == pytest.approx(-3 / 3)
    assert (cleo.bias.value, cleo.bias.units) == (pytest.approx(0.5), 1)
    assert cleo.bias.reason == "one image is too few for an interval"
    assert ada.confusion == {0: {"not-visible": 1}, 1: {"partly": 1}, 2: {"plain": 1}}
    assert ben.confusion == {0: {"not-visible": 1}, 1: {"not-visible": 1}, 2: {"not-visible": 1}}
    assert cleo.confusion == {0: {"cannot-tell": 1}, 1: {"partly": 1}}
    assert cleo.choices == {"cannot-tell": 1, "partly": 1, "plain": 1}


def test_who_works_alone_has_no_bias(tmp_path: Path) -> None:
    (ada,) = individuals(entries_of(tmp_path / "log.jsonl", {("t1.e1", "a"): {"ada": 2}}))
    assert (ada.bias.value, ada.bias.reason) == (None, "graded no image that somebody else graded too")
    assert individuals([]) == []
