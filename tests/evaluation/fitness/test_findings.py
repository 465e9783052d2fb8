"""Every sentence that the numbers become."""

import pytest

from fieldguide.evaluation.fitness.degenerate import BesideChance, Chance, Degenerate
from fieldguide.evaluation.fitness.duplicates import Contradiction, Duplicates
from fieldguide.evaluation.fitness.findings import (
    about_chance,
    about_duplicates,
    about_noise,
    about_reusability,
    about_unjudged,
    counted,
    listed,
)  # fmt: skip
from fieldguide.evaluation.fitness.noise import Noise, Shaken
from fieldguide.evaluation.fitness.reusability import LeftOut, Moved
from fieldguide.evaluation.fitness.unjudged import JudgedShare, Turn, Unjudged

WHERE = "fullrank, comparison"


def test_unjudged() -> None:
    full, half = JudgedShare("a", 1.0, 0.9, 0.9, 0.9, 0.9, 0.9), JudgedShare("b", 0.5, 0.4, 0.6, 0.5, 0.2, 0.95)
    settled = about_unjudged(WHERE, Unjudged(10, (full,), 1.0, 1.0, True, ()))
    assert (settled.verdict, settled.text) == (
        "ok", "All of each system's first 10 images are judged; whatever the others show, the order of systems stays",
    )  # fmt: skip
    turn = Turn("a", "b", 0.5, -0.05)
    open_one = about_unjudged(WHERE, Unjudged(10, (full, half), 1.0, 1.0, True, (turn,)))
    assert (open_one.verdict, open_one.text) == (
        "note", "Of each system's first 10 images at least 50% are judged (b); what the others show could turn 1 pair: "
        "a over b",
    )  # fmt: skip
    assert "might turn 1 pair" in about_unjudged(WHERE, Unjudged(10, (full, half), 1.0, 1.0, False, (turn,))).text


@pytest.mark.parametrize(("tau", "verdict"), [(0.9, "ok"), (0.89, "note"), (0.8, "note"), (0.79, "problem")])
def test_reusability(tau: float, verdict: str) -> None:
    kept = LeftOut("b", False, 0, 0, (Moved("b", 0.5, 0.5, 2, 2),), 0, 1.0)
    left = LeftOut("ones", True, 9, 3, (Moved("a", 0.9, 0.4, 1, 3),), 1, tau)
    found = about_reusability(WHERE, [kept, left])
    assert found.verdict == verdict
    assert found.text == (
        f"Leaving one system or family out of the pools keeps the order at tau {tau:.2f} or better (least: family "
        "ones); what is left out falls by up to 0.500 (a) and 2 ranks (a)"
    )


def test_reusability_without_an_order_or_a_pool() -> None:
    tied = LeftOut("a", False, 9, 3, (Moved("a", 0.9, 0.0, 1, 1),), 0, None)
    found = about_reusability(WHERE, [tied])
    assert found.verdict == "problem"
    assert "keeps the order in ties only (least: a)" in found.text
    assert about_reusability(WHERE, []).verdict == "note"


@pytest.mark.parametrize(
    ("changes", "tau", "verdict"), [(0.05, 0.9, "ok"), (0.06, 0.9, "note"), (0.0, 0.85, "note"), (0.0, 0.5, "problem")]
)
def test_noise(changes: float, tau: float, verdict: str) -> None:
    found = about_noise(WHERE, Noise(0.03, True, 0.1, 0.1, 9, changes, tau, 0.95, 1.0, (Shaken("a", 1, 1, 1, 1),)))
    assert found.verdict == verdict
    assert found.text == (
        f"With 3.0% disagreement (measured) a is no longer best in {changes:.1%} of the draws; the median tau is 0.95, "
        f"5% of the draws lie at {tau:.2f} or below"
    )


def test_noise_without_an_order() -> None:
    found = about_noise(WHERE, Noise(0.03, False, 0, 0, 9, 0, None, None, None, (Shaken("a", 1, 1, 1, 1),)))
    assert (found.verdict, found.text.partition("; ")[2]) == ("problem", "in no draw is there an order")
    assert "(assumed)" in found.text


def chances(degenerate: tuple[BesideChance, ...], *real: BesideChance) -> list[tuple[str, str]]:
    drawn = Degenerate(9, Chance(0.2, 0.1, 0.3, None), Chance(0.2, 0.05, 0.35, None), degenerate, real)
    return [(found.verdict, found.text) for found in about_chance(WHERE, drawn)]


def test_chance() -> None:
    good, weak = BesideChance("good", 0.9, "above chance", True), BesideChance("weak", 0.31, "above chance", True)
    fine, leak = (
        BesideChance("constant", 0.2, "as chance", True),
        BesideChance("file-order", 0.4, "above chance", False),
    )
    assert chances((fine,), good) == [
        (
            "ok",
            "Random orders score 0.100 to 0.300; "
            "rankings without knowledge of the content score as expected (constant)",
        )
    ]
    leaks = "file-order should score as chance does and has 0.400, above chance (0.050 to 0.350)"
    with_relevance = ": something other than the content goes with relevance"
    assert chances((fine, leak), good) == [("note", leaks + with_relevance)]
    assert chances((fine, leak), good, weak) == [("problem", f"{leaks} and no worse than weak{with_relevance}")]
    upside = BesideChance("weak reversed", 0.33, "above chance", False)
    assert chances((upside,), good)[0][1].startswith(
        "weak reversed should score as chance does and has 0.330, above chance (0.100 to 0.300)"
    )
    below = BesideChance("low", 0.01, "below chance", False)
    same, lucky = BesideChance("blind", 0.2, "as chance", False), BesideChance("dice", 0.5, "above chance", False)
    assert [text for verdict, text in chances((fine,), good, same, below, lucky) if verdict == "note"] == [
        "No better than chance (0.100 to 0.300 of random orders): blind (0.200)",
        "Below chance (0.100 to 0.300 of random orders): low (0.010)",
        "Random by intent, and above chance (0.100 to 0.300 of random orders): dice (0.500)",
    ]


def test_duplicates() -> None:
    assert about_duplicates(Duplicates(1, ())).text == (
        "Of 1 pair of near duplicates that were judged for one subtopic, none has different grades"
    )
    found = about_duplicates(Duplicates(7, (Contradiction("t1.e1", "a", "b", 0, 1, 3),)))
    assert (found.verdict, found.text) == (
        "problem",
        "Of 7 pairs of near duplicates that were judged for one subtopic, 1 have different grades: a and b for t1.e1",
    )


def test_lists_are_short() -> None:
    assert listed(["a", "b", "c"]) == "a; b; c"
    assert listed(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"
    assert (counted(1, "rank"), counted(2000, "rank"), counted(0, "rank")) == ("1 rank", "2,000 ranks", "0 ranks")
