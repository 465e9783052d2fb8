"""What subtopics cost: by hand, and as the command shows it before anybody is asked."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fieldguide.annotation.judgments.log import Judgment, append
from fieldguide.annotation.progress.choice import SubtopicCost, costs_of
from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from tests.annotation.planned_benchmark import planned
from tests.annotation.planning.test_plan import annotate_of, pools_of, subtopics_of


def said(assessor: str, image: str, role: str = "assessor", subtopic: str = "t0.e1") -> Judgment:
    return Judgment(
        subtopic_id=subtopic, image_id=image, assessor=assessor, role=role, grade=0, choice="c0", guideline="fruit-1"
    )  # fmt: skip


def costs(folder: Path, *judged: Judgment, **annotate: object) -> dict[str, SubtopicCost]:
    entries = append(folder / "log.jsonl", list(judged)).entries if judged else ()
    pools = pools_of({"t0.e1": 10, "t1.e2": 4})
    found, _ = costs_of(pools, subtopics_of(2), {"a": "Anjou pear"}, entries, annotate_of(overlap=2, **annotate))
    assert [cost.subtopic_id for cost in found] == ["t0.e1", "t0.e2", "t1.e1", "t1.e2"]
    return {cost.subtopic_id: cost for cost in found}


def test_before_anybody_judged_all_of_the_pools_is_left(tmp_path: Path) -> None:
    found = costs(tmp_path)
    first = found["t0.e1"]
    assert (first.entity, first.pool, first.judged, first.left) == ("Anjou pear", 10, 0, 20)
    assert first.hours == first.hours_left == pytest.approx((20 * 3 + 2 * 10) / 3600)
    assert (found["t0.e2"].entity, found["t0.e2"].pool, found["t0.e2"].hours) == ("b", 0, 0)


def test_only_what_is_wanted_and_pooled_and_said_by_assessors_counts(tmp_path: Path) -> None:
    judged = [said(name, "i000") for name in ("ada", "ben", "cleo")]
    elsewhere = [said("ada", "i999"), said("dora", "i001", "adjudicator"), said("ada", "i001", subtopic="t1.e2")]
    found = costs(tmp_path, *judged, *elsewhere)
    assert (found["t0.e1"].judged, found["t0.e1"].left) == (2, 18)
    assert (found["t1.e2"].judged, found["t1.e2"].left) == (1, 7)
    assert found["t0.e1"].hours_left == pytest.approx((18 * 3 + 2 * 10) / 3600)


def test_who_has_judged_a_whole_pool_reads_its_question_no_more(tmp_path: Path) -> None:
    every = [said("ada", f"i{n:03}", subtopic="t1.e2") for n in range(4)]
    found = costs(tmp_path, *every)
    assert found["t1.e2"].hours_left == pytest.approx((4 * 3 + 1 * 10) / 3600)
    done = costs(tmp_path / "both", *every, *(said("ben", f"i{n:03}", subtopic="t1.e2") for n in range(4)))
    assert (done["t1.e2"].left, done["t1.e2"].hours_left) == (0, 0)


@pytest.mark.parametrize(
    ("named", "chosen"),
    [([], "t0.e1 t0.e2 t1.e1 t1.e2"), (["t1"], "t1.e1 t1.e2"), (["t0.e2", "t1"], "t0.e2 t1.e1 t1.e2")],
)
def test_it_says_which_are_asked_about(tmp_path: Path, named: list[str], chosen: str) -> None:
    asked = [name for name, cost in costs(tmp_path, subtopics=named).items() if cost.chosen]
    assert asked == chosen.split()


def test_the_command_needs_pools_and_neither_a_plan_nor_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, params = planned(tmp_path / "benchmark")
    (paths.root / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")), encoding="utf-8")
    paths.asked.unlink()
    monkeypatch.chdir(paths.root)
    shown = CliRunner().invoke(app, ["annotate", "topics"], catch_exceptions=False)
    assert shown.exit_code == 0
    told = json.loads(CliRunner().invoke(app, ["annotate", "topics", "--json"], catch_exceptions=False).stdout)
    assert told["hours"] == told["hours_left"] > 0
    for cost in told["topics"]:
        assert cost["subtopic_id"] in shown.stdout
        assert cost["left"] == cost["pool"] * params.annotate.overlap
    assert not paths.asked.exists()
    (paths.annotation / "guidelines.md").unlink()
    assert "`fieldguide init`" in refusal("topics")
    paths.pools.unlink()
    assert "`dvc repro pool` makes it" in refusal("topics")
    assert "`dvc repro pool` makes it" in refusal("plan", "--dry-run")
    for command in ("push", "serve", "links", "pull"):
        assert "`fieldguide label-studio start` starts a server here" in refusal(command)


def refusal(*command: str) -> str:
    """What `fieldguide annotate ...` says in the current folder, which lacks something."""
    with pytest.raises(FieldguideError) as refused:
        CliRunner().invoke(app, ["annotate", *command], catch_exceptions=False)
    return str(refused.value)
