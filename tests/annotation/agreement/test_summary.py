"""The summary: one record of everything, plain JSON, the same for the same log, and honest about what is missing."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fieldguide.annotation.agreement.alpha import IntervalEstimate
from fieldguide.annotation.agreement.individuals import share
from fieldguide.annotation.agreement.summary import (
    AgreementSummary,
    estimate_words,
    lines_of,
    share_words,
    summarise,
    write_summary,
)
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.adjudication import adjudicate
from fieldguide.annotation.judgments.guidelines import DATASET_LABEL
from fieldguide.annotation.judgments.log import Judgment, LogEntry
from fieldguide.params import Params
from fieldguide.records.judgments import POOLS
from tests.annotation.simulated_votes import simulate
from tests.builders import tiny_params

CHOICES = {2: "plain", 1: "partly", 0: "not-visible"}
GUESSED = {"system": "text", "share": 0.5, "relevant": 2}


def entries_of(path: Path, sighted: bool = False) -> tuple[LogEntry, ...]:
    """Of the first assessor's votes every second is given with a guess in sight, if asked for."""
    return log.append(
        path,
        [
            Judgment(
                subtopic_id=s, image_id=i, assessor=a, grade=g, choice=CHOICES[g], guideline="look-1",
                sighted=sighted and a == "ada" and int(i) % 20 < 10,
            )
            for (s, i), by in simulate(0, tasks=120, gold=6).votes.items()
            for a, g in by.items()
        ],
    ).entries  # fmt: skip


def pools_of(entries: tuple[LogEntry, ...]) -> pd.DataFrame:
    """`text` ranks the images of a subtopic by their ids."""
    images: dict[str, list[str]] = {}
    for subtopic, image in sorted({(e.subtopic_id, e.image_id) for e in entries}):
        images.setdefault(subtopic, []).append(image)
    return POOLS.frame(
        [
            {"subtopic_id": s, "image_id": i, "systems": ["text"], "ranks": [n], "best_rank": n, "sampled": False}
            for s, some in images.items()
            for n, i in enumerate(some, 1)
        ]
    )


def summary_of(entries: tuple[LogEntry, ...], params: Params, rule: str = "majority") -> AgreementSummary:
    gold = {pair: grade for pair, grade in simulate(0, tasks=120, gold=6).truth.items() if int(pair[1]) < 6}
    pools = pools_of(entries)
    decided = adjudicate(entries, pools, rule, gold)  # type: ignore[arg-type]
    return summarise(
        entries, decided, [DATASET_LABEL], pools, gold, params.adjudicate.rule, params.annotate, params.pool
    )


def test_everything_is_plain_json_and_made_again_the_same(tmp_path: Path) -> None:
    entries = entries_of(tmp_path / "log.jsonl")
    params = tiny_params(adjudicate={"judge": "log", "rule": "dawid-skene"})
    made = summary_of(entries, params, "dawid-skene")
    write_summary(tmp_path, made)
    text = (tmp_path / "agreement.json").read_text(encoding="utf-8")
    write_summary(tmp_path, summary_of(entries, params, "dawid-skene"))
    assert (tmp_path / "agreement.json").read_text(encoding="utf-8") == text
    values = json.loads(text)
    assert (values["pairs"], values["several"], values["ungraded"]) == (120, 120, 0)
    assert sum(values["decided_by"].values()) == 120
    assert values["differing"] == sum(len({*by.values()}) > 1 for by in simulate(0, tasks=120, gold=6).votes.values())
    assert values["agreement"]["overall"]["ordinal"]["low"] < values["agreement"]["overall"]["ordinal"]["high"]
    assert set(values["agreement"]["topics"]) == {f"t{n:03d}" for n in range(10)}
    assert [one["gold"]["of"] for one in values["assessors"]] == [6, 6, 6]
    assert [one["assessor"] for one in values["errors"]] == ["ada", "ben", "cleo"]
    assert values["anchoring"] is None
    assert values["notes"] == []


def test_an_empty_log_has_a_summary_without_numbers() -> None:
    params, pools = tiny_params(), POOLS.frame([])
    made = summarise([], adjudicate([], pools), [], pools, {}, "majority", params.annotate, params.pool)
    assert made.agreement.overall.ordinal.reason == "no image has answers by two assessors"
    assert (made.pairs, made.assessors, made.decided_by) == (0, (), {})


def test_lines_for_the_terminal(tmp_path: Path) -> None:
    text = "\n".join(lines_of(summary_of(entries_of(tmp_path / "log.jsonl"), tiny_params())))
    assert "judged by several: 120 of 120; with different answers: " in text
    assert "Krippendorff's alpha of grades, ordinal: 0." in text
    assert "  cleo: 82 judged; gold " in text
    assert "nan" not in text.lower()


def test_guesses_in_sight_are_measured(tmp_path: Path) -> None:
    entries = entries_of(tmp_path / "log.jsonl", sighted=True)
    made = summary_of(entries, tiny_params(annotate={"preannotation": GUESSED}))
    assert made.anchoring is not None
    assert made.anchoring.sighted > 0
    assert made.anchoring.words in "\n".join(lines_of(made))


@pytest.mark.parametrize(
    ("preannotation", "note"),
    [
        (None, "annotate.preannotation is empty now, so that its effect cannot be measured"),
        (GUESSED | {"relevant": 6}, "the pools do not hold its first 6 images (pool.systems, pool.depth)"),
        (GUESSED | {"system": "random"}, "given with a guess of random in sight; its effect cannot be measured"),
    ],
)
def test_guesses_that_are_not_known_any_more_are_noted(
    tmp_path: Path, preannotation: dict[str, object] | None, note: str
) -> None:
    entries = entries_of(tmp_path / "log.jsonl", sighted=True)
    made = summary_of(entries, tiny_params(annotate={"preannotation": preannotation}))
    assert made.anchoring is None
    (found,) = made.notes
    assert note in found
    assert found.startswith(f"{sum(e.sighted for e in entries)} judgments were given with")
    assert found in "\n".join(lines_of(made))


def test_words() -> None:
    assert estimate_words(IntervalEstimate(0.5, 0.25, 0.75, 9)) == "0.500 (0.250 to 0.750)"
    assert estimate_words(IntervalEstimate(0.5, -0.25, 0.75, 9), sign=True) == "+0.500 (-0.250 to +0.750)"
    assert estimate_words(IntervalEstimate(None, None, None, 0, "no pair")) == "none (no pair)"
    assert estimate_words(IntervalEstimate(1.0, None, None, 1, "one image")) == "1.000 (no interval: one image)"
    assert share_words(share(9, 10, 0.95)) == "9 of 10 (60% to 98%)"
    assert share_words(share(0, 0, 0.95)) == "none"
