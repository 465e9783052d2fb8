"""Anchoring: found where it is, not found where it is not, and only between comparable images."""

from pathlib import Path

import numpy as np
import pytest

from fieldguide.annotation.agreement.anchoring import anchoring, guessed_relevant
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment, LogEntry
from fieldguide.annotation.planning.section import Preannotation
from fieldguide.records.judgments import POOLS
from fieldguide.retrieval.pooling.section import Pool

CHOICES = {2: "plain", 1: "partly", 0: "not-visible", None: "cannot-tell"}
Said = tuple[str, str, str, int | None, bool]


def entries_of(path: Path, said: list[Said]) -> tuple[LogEntry, ...]:
    return log.append(
        path,
        [
            Judgment(
                subtopic_id=s, image_id=i, assessor=a, grade=g, choice=CHOICES[g], guideline="look-1", sighted=sighted
            )
            for s, i, a, g, sighted in said
        ],
    ).entries


def simulated(follow: float, seed: int = 0) -> tuple[list[Said], set[tuple[str, str]]]:
    """1,600 images of 40 topics; whoever sees the guess takes it over with probability `follow`."""
    rng = np.random.default_rng(seed)
    said: list[Said] = []
    guessed = set()
    for n in range(1600):
        pair = (f"t{n % 40}.e1", f"i{n}")
        guess = 2 if rng.random() < 0.5 else 0
        if guess:
            guessed.add(pair)
        honest = guess if rng.random() < 0.7 else 2 - guess
        sighted = bool(rng.random() < 0.5)
        said.append((*pair, "ada", guess if sighted and rng.random() < follow else honest, sighted))
    return said, guessed


def test_following_the_guess_is_found_with_its_size(tmp_path: Path) -> None:
    said, guessed = simulated(follow=0.5)
    made = anchoring(entries_of(tmp_path / "log.jsonl", said), guessed, 2)
    assert made is not None
    assert made.as_guessed is not None
    assert made.relevant is not None
    difference = made.as_guessed.difference
    assert difference.value == pytest.approx(0.15, abs=0.05)  # .85 with sight, .70 without
    assert 0 < difference.low < 0.15 < difference.high  # type: ignore[operator]
    assert made.relevant.difference.value == pytest.approx(0, abs=0.06)  # as many guesses are 0 as 2
    assert made.sighted + made.blind + made.apart == 1600
    assert made.words.endswith("the judgments given with sight of it favour the model that guessed.")


def test_no_effect_is_no_effect(tmp_path: Path) -> None:
    said, guessed = simulated(follow=0)
    made = anchoring(entries_of(tmp_path / "log.jsonl", said), guessed, 2)
    assert made is not None
    assert made.as_guessed is not None
    difference = made.as_guessed.difference
    assert difference.low < 0 < difference.high  # type: ignore[operator]
    assert "cannot be told from chance" in made.words


def test_only_images_of_one_subtopic_and_guess_are_compared(tmp_path: Path) -> None:
    guessed = {("t1.e1", "a"), ("t1.e1", "b"), ("t2.e1", "e")}
    said: list[Said] = [
        ("t1.e1", "a", "ada", 2, True), ("t1.e1", "b", "ada", 0, False), ("t1.e1", "b", "ben", 2, False),
        ("t1.e1", "c", "ada", 0, True), ("t1.e1", "d", "ada", 1, False),
        ("t2.e1", "e", "ada", 2, True),  # nothing blind beside it
        ("t1.e1", "g", "ada", 0, False),  # gold
        ("t1.e1", "h", "ada", None, True),  # no grade
    ]  # fmt: skip
    made = anchoring(entries_of(tmp_path / "log.jsonl", said), guessed, 2, gold={("t1.e1", "g")})
    assert made is not None
    assert (made.sighted, made.blind, made.apart) == (2, 3, 2)
    assert made.as_guessed is not None
    assert made.relevant is not None
    # guessed 2: 1 with sight, 1/2 blind, weight 2/3; guessed 0: 1 with sight, 0 blind, weight 1/2
    assert made.as_guessed.sighted == 1
    assert made.as_guessed.blind == pytest.approx((2 / 3 * 1 / 2) / (2 / 3 + 1 / 2))
    assert made.as_guessed.difference.value == pytest.approx((2 / 3 * 1 / 2 + 1 / 2) / (2 / 3 + 1 / 2))
    assert made.relevant.difference.value == pytest.approx((2 / 3 * 1 / 2 - 1 / 2) / (2 / 3 + 1 / 2))
    low, high = made.as_guessed.difference.low, made.as_guessed.difference.high
    assert (low, high) == (-1, 1)  # two comparisons say nothing


def test_nothing_to_compare(tmp_path: Path) -> None:
    entries = entries_of(tmp_path / "log.jsonl", [("t1.e1", "a", "ada", 2, True), ("t2.e1", "a", "ada", 2, False)])
    made = anchoring(entries, set(), 2)
    assert made is not None
    assert (made.sighted, made.blind, made.apart, made.as_guessed) == (0, 0, 2, None)
    assert made.words == "No image judged with a guess in sight has one judged blind beside it."
    assert anchoring(entries[1:], set(), 2) is None


def test_one_comparison_has_no_interval(tmp_path: Path) -> None:
    entries = entries_of(tmp_path / "log.jsonl", [("t1.e1", "a", "ada", 0, True), ("t1.e1", "b", "ada", 2, False)])
    made = anchoring(entries, set(), 2)
    assert made is not None
    assert made.as_guessed is not None
    assert made.as_guessed.difference.reason == "one comparison is too few for an interval"
    assert (made.as_guessed.difference.value, made.as_guessed.difference.low) == (1.0, None)


def test_the_pools_tell_what_was_guessed() -> None:
    rows = [
        {"subtopic_id": "t1.e1", "image_id": i, "systems": ["a", "b"], "ranks": [9, rank], "best_rank": 1,
         "sampled": False}
        for i, rank in (("x", 1), ("y", 2), ("z", 3))
    ]  # fmt: skip
    rows.append(
        {"subtopic_id": "t1.e1", "image_id": "s", "systems": [], "ranks": [], "best_rank": None, "sampled": True}
    )
    pools, guess = POOLS.frame(rows), Preannotation(system="b", relevant=2)
    pool = Pool(systems=["a", "b"], depth=10, sample=1, seed=1)
    assert guessed_relevant(pools, guess, pool) == {("t1.e1", "x"), ("t1.e1", "y")}
    assert guessed_relevant(pools, guess.model_copy(update={"system": "c"}), pool) is None
    assert guessed_relevant(pools, guess.model_copy(update={"relevant": 11}), pool) is None
