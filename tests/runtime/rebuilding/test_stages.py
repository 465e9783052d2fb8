"""Two dvc.lock: where outputs begin to differ, and why."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError
from fieldguide.runtime.rebuilding.stages import Cause, only_bytes, read_lock, stage_differences

# Written in another order than the stages run.
LOCK: dict[str, Any] = {
    "rank": {
        "cmd": "exec python -m flows.rank",
        "deps": [{"path": "data/vectors/a", "md5": "v1"}, {"path": "fieldguide/ranking", "md5": "r1"}],
        "params": {"params.yaml": {"rank": {"depth": 10, "fusion": {"kind": "rrf"}}}},
        "outs": [{"path": "data/runs", "md5": "x1"}],
    },
    "embed": {
        "cmd": "exec python -m flows.embed",
        "deps": [{"path": "data/input/photographs", "md5": "p1"}, {"path": "fieldguide/models", "md5": "m1"}],
        "outs": [{"path": "data/vectors", "md5": "v1"}],
    },
    "report": {
        "cmd": "exec python -m flows.report",
        "deps": [{"path": "data/runs", "md5": "x1"}],
        "outs": [{"path": "data/report", "md5": "h1"}],
    },
}


def changed(*places: tuple[str, str, int]) -> dict[str, Any]:
    """LOCK with other hashes at (stage, part, number)."""
    lock = copy.deepcopy(LOCK)
    for stage, part, number in places:
        lock[stage][part][number]["md5"] = "other"
    return lock


VECTORS = (("embed", "outs", 0), ("rank", "deps", 0), ("rank", "outs", 0), ("report", "deps", 0), ("report", "outs", 0))


def test_of_the_same_lock_nothing_is_told() -> None:
    assert stage_differences(LOCK, copy.deepcopy(LOCK)) == []


def test_other_bytes_without_another_cause_come_of_what_it_ran_on() -> None:
    found = stage_differences(LOCK, changed(*VECTORS))
    assert [one.stage for one in found] == ["embed", "rank", "report"]
    assert [one.first for one in found] == [True, False, False]
    assert [cause.kind for one in found for cause in one.causes] == ["environment"]
    assert found[1].follows == ("data/vectors/a",)
    assert only_bytes(found)


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        (("embed", "deps", 0), Cause("input", "data/input/photographs")),
        (("embed", "deps", 1), Cause("code", "fieldguide/models")),
    ],
)
def test_code_and_inputs_are_told_apart(place: tuple[str, str, int], cause: Cause) -> None:
    found = stage_differences(LOCK, changed(*VECTORS, place))
    assert [c for one in found for c in one.causes] == [cause]
    assert not only_bytes(found)


def test_a_parameter_is_named_with_both_values() -> None:
    lock = changed(("rank", "outs", 0))
    lock["rank"]["params"]["params.yaml"]["rank"]["fusion"]["kind"] = "sum"
    (found,) = stage_differences(LOCK, lock)
    assert found.causes == (Cause("parameters", "rank.fusion.kind rrf -> sum"),)
    assert found.first


def test_a_change_without_a_consequence_has_no_outputs() -> None:
    (found,) = stage_differences(LOCK, changed(("rank", "deps", 1)))
    assert (found.outputs, found.first) == ((), False)


def test_what_it_ran_on_and_a_change_further_on_are_both_told() -> None:
    found = stage_differences(LOCK, changed(*VECTORS, ("rank", "deps", 1)))
    assert {one.stage: [c.kind for c in one.causes] for one in found} == {
        "embed": ["environment"],
        "rank": ["code"],
        "report": [],
    }


def test_a_stage_more_or_less_is_told() -> None:
    fewer = {name: stage for name, stage in LOCK.items() if name != "report"}
    assert stage_differences(LOCK, fewer)[0].causes == (Cause("stage", "report is in what was published alone"),)
    assert stage_differences(fewer, LOCK)[0].causes == (Cause("stage", "report is here alone"),)


@given(st.sets(st.sampled_from([(s, p, n) for s in LOCK for p in ("deps", "outs") for n in range(len(LOCK[s][p]))])))
def test_every_change_is_told_by_the_stage_that_has_it(places: set[tuple[str, str, int]]) -> None:
    found = {one.stage: one for one in stage_differences(LOCK, changed(*places))}
    assert set(found) == {stage for stage, _, _ in places}
    for stage, part, number in places:
        one, path = found[stage], LOCK[stage][part][number]["path"]
        assert path in (one.outputs if part == "outs" else [*one.follows, *(cause.what for cause in one.causes)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "stages: 1",
        "stages: {a: 1}",
        "stages: {a: [}",
        "a: &a [*a]",
        "stages: {a: {deps: 5}}",
        "stages: {a: {outs: [x]}}",
        "stages: {a: {outs: {a: b}}}",
        "stages: {a: {params: 1}}",
    ],
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(FieldguideError, match=r"dvc\.lock"):
        read_lock(text, "dvc.lock")
