"""What gives an answerer away, on small tables of independent topics."""

from __future__ import annotations

from typing import Any

import pytest

from fieldguide.answering.figures.accuracy import TopicEntities, accuracy_rows
from fieldguide.answering.figures.findings import findings
from fieldguide.evaluation.section import Evaluate
from tests.answering.figures.tables import outcomes, table

EVALUATE = Evaluate(baseline="x", permutations=2000)
BETTER = "is better with relevant images than without"
NO_BETTER = "is not shown to be better with relevant images than without"
IGNORES = "ignores what it is shown"
WHOSE = "does not notice whose images it is shown"
NO_MORE = "is not shown to know more than the most frequent answer"


def found(*parts: list[dict[str, Any]], prior: str | None = None) -> list[tuple[str, str]]:
    """(finding, evidence) of the answerer `it`; `prior`: marks of one that goes by habit."""
    rows = [row for part in parts for row in part]
    if prior is not None:
        rows += [row for name in ("none", "gold") for row in outcomes(name, prior, answerer="habit")]
    answers = table(rows)
    entities = TopicEntities.of({f"t{n}": (f"a{n}", f"b{n}") for n in range(40)})
    accuracy = accuracy_rows(answers, entities, EVALUATE)
    kinds = {"it": "chat", "habit": "prior"}
    made = findings(answers, accuracy, kinds, entities, EVALUATE)
    return [(finding.finding, finding.evidence) for finding in made if finding.answerer == "it"]


def names(*parts: list[dict[str, Any]], prior: str | None = None) -> list[str]:
    return [finding for finding, _ in found(*parts, prior=prior)]


def test_the_same_answers_in_all_contexts() -> None:
    assert found(outcomes("none", "cw" * 10), outcomes("gold", "cw" * 10), outcomes("swapped", "cw" * 10)) == [
        (IGNORES, "100% of answers are the same in all contexts")
    ]
    assert names(outcomes("none", "cw" * 10), outcomes("gold", "cw" * 9 + "ww")) == [IGNORES]  # 19 of 20
    assert names(outcomes("none", "cw" * 10), outcomes("gold", "cw" * 8 + "wwww")) == [NO_BETTER]


def test_to_abstain_without_images_is_to_react_to_them() -> None:
    assert names(outcomes("none", "a" * 12), outcomes("gold", "c" * 12)) == [BETTER]
    assert names(outcomes("none", "p" * 12), outcomes("gold", "c" * 12)) == [BETTER]


def test_what_did_not_answer_is_not_said_to_ignore() -> None:
    assert names(outcomes("none", "u" * 6), outcomes("gold", "u" * 6)) == []
    assert names(outcomes("none", "a" * 6), outcomes("gold", "a" * 6)) == [NO_BETTER]
    assert names(outcomes("none", "cwcwcu"), outcomes("gold", "cwcwcw")) == [IGNORES]


def test_answers_that_judges_score_say_nothing_of_what_was_said() -> None:
    judged = {"scored_by": "judge", "said": None}
    assert names(outcomes("none", "cw" * 5, **judged), outcomes("gold", "cw" * 5, **judged)) == [NO_BETTER]


def test_better_with_relevant_images() -> None:
    ((finding, evidence),) = found(outcomes("none", "w" * 12), outcomes("gold", "c" * 12))
    assert (finding, evidence) == (BETTER, "+1.000 (+1.000 to +1.000), p 0.0005")
    assert names(outcomes("none", "cw" * 6), outcomes("gold", "wc" * 6)) == [NO_BETTER]


def test_the_same_answers_when_images_are_exchanged() -> None:
    parts = [outcomes("none", "w" * 12), outcomes("gold", "c" * 12)]
    assert names(*parts, outcomes("swapped", "c" * 12)) == [BETTER, WHOSE]
    assert names(*parts, outcomes("swapped", "w" * 12)) == [BETTER]
    assert names(*parts, outcomes("swapped", "a" * 12)) == [BETTER]
    assert names(*parts, outcomes("swapped", "c" + "a" * 11)) == [BETTER, WHOSE]  # of those that were answered


@pytest.mark.parametrize(("first", "last", "which"), [("w", "c", "last"), ("c", "w", "first")])
def test_the_place_of_the_relevant_image(first: str, last: str, which: str) -> None:
    among = [
        outcomes("gold-among", first * 8, order="gold-first"), outcomes("gold-among", last * 8, order="gold-last"),
    ]  # fmt: skip
    assert found(*among) == [
        (
            f"trusts the image that is shown {which}",
            f"a relevant image among others helps more when it is {which}: 1.000, p 0.008",
        )
    ]
    few = [outcomes("gold-among", first * 4, order="gold-first"), outcomes("gold-among", last * 4, order="gold-last")]
    assert found(*few) == []  # of four topics p is 0.125 at least
    assert found(among[0], outcomes("gold-among", "u" * 8, order="gold-last")) == []


def test_more_than_habit_on_the_same_questions() -> None:
    parts = [outcomes("none", "w" * 20), outcomes("gold", "c" * 20)]
    assert names(*parts, prior="cw" * 10) == [BETTER]
    assert names(*parts, prior="c" * 19 + "w") == [BETTER, NO_MORE]
    assert found(outcomes("none", "w" * 20), outcomes("gold", "cw" * 10), prior="cw" * 10)[-1] == (
        NO_MORE,
        "with relevant images +0.000 (+0.000 to +0.000), p 1.0000, beside habit alone",
    )
    # Unpaired, 0.75 (from 0.5) is no more than 0.5; on each question it is as good or better.
    steady = [outcomes("none", "w" * 28), outcomes("gold", "cccw" * 7)]
    assert names(*steady, prior="ccww" * 7) == [BETTER]
    few = [outcomes("none", "w" * 20), outcomes("gold", "cccw" * 5)]
    assert names(*few, prior="ccww" * 5) == [BETTER, NO_MORE]  # five that are better: p is 0.06


def test_what_abstains_is_told_by_what_it_answered_too() -> None:
    parts = [outcomes("none", "a" * 20), outcomes("gold", "cccw" + "a" * 16)]
    (evidence,) = [words for finding, words in found(*parts, prior="cw" * 10) if finding == NO_MORE]
    assert evidence.endswith("; right in 0.750 of what it answered")


def test_without_habit_or_gold_nothing_is_compared() -> None:
    assert names(outcomes("none", "cw" * 6)) == []
    assert names(outcomes("none", "cw" * 6), prior="cc" * 6) == []
