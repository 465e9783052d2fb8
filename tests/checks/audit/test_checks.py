"""Every check finds its planted defect and leaves the near miss alone; a clean benchmark has no finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.run import CHECKS
from tests.checks.audit.planted import BASE, PLANTED, Planted
from tests.checks.audit.synthetic import clean, report

IDS = [f"{p.check}: {p.what}" for p in PLANTED]


@pytest.mark.parametrize("planted", PLANTED, ids=IDS)
def test_the_planted_defect_is_found(planted: Planted, tmp_path: Path) -> None:
    found = list(CHECKS[planted.check].observe(planted.defect(tmp_path)))
    said = "\n".join([f.evidence + "\n" + "\n".join(f"{r.where}: {r.shows}" for r in f.rows) for f in found])
    assert planted.shows in said
    assert all(f.title and f.evidence for f in found)


@pytest.mark.parametrize("planted", PLANTED, ids=IDS)
def test_the_near_miss_is_not_flagged(planted: Planted, tmp_path: Path) -> None:
    subject = planted.near_miss(tmp_path)
    assert subject.has(CHECKS[planted.check].need), "the check must have run"
    assert list(CHECKS[planted.check].observe(subject)) == []


def test_every_check_has_both() -> None:
    assert {p.check for p in PLANTED} == set(CHECKS)


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_clean_benchmark_has_no_finding(seed: int) -> None:
    assert report(clean(seed=seed)).findings == ()


def test_checks_without_their_input_are_named_and_not_passed() -> None:
    made = report(BASE)
    assert {made.not_run[name] for name in made.not_run} == {"prompts", "images", "scores"}
    assert not set(made.not_run) & set(made.passed)
    assert set(made.not_run) | set(made.passed) == set(CHECKS)


def test_two_checks_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match=r"there is a check text\.quotes already"):
        check("text.quotes", proves="", cannot="", advice="")(lambda _: ())
