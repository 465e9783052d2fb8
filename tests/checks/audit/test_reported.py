"""Reported scores: what is read from a file, what is refused and why, and hits at rank 1 of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fieldguide.checks.audit.checks.numbers import levels
from fieldguide.checks.audit.reported import Reported, of_run, read_scores
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion


def collection() -> PublishedBenchmark:
    pools = [
        PublishedPool(f"t{n}.e1", "images", None, {f"{n}{i}": int(i == 0) for i in range(4)}, f"f:{n}") for n in (1, 2)
    ]
    questions = tuple(PublishedQuestion(f"t{n}", "?", (), (pool,), {}, f"f:{n}") for n, pool in enumerate(pools, 1))
    return PublishedBenchmark("mine", "csv", questions)


def written(folder: Path, value: Any) -> Path:
    path = folder / "scores.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_scores_of_this_collection_are_read_and_others_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, {"source": "a paper", "CLIP": {"orig": {"mine N@10": 0.4, "other N@10": 0.9, "P@1": 1}},
                              "vqa": [41, 51], "year 2024 x": 3})  # fmt: skip
    found = read_scores(path, collection(), {"N": "visret_nDCG"})
    assert [(f.system, f.measure, f.value) for f in found] == [
        ("CLIP / orig", "visret_nDCG@10", 0.4),
        ("CLIP / orig", "P@1", 1.0),
    ]
    assert found[0].where == f"{path}: CLIP / orig / mine N@10"


def test_an_unknown_measure_and_a_percentage_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, {"CLIP": {"mine N@10": 0.4, "mine hit@1": 41}})
    with pytest.raises(ProblemsError) as caught:
        read_scores(path, collection(), {})
    text = str(caught.value)
    assert "--read-as N=visret_nDCG" in text
    assert "mine hit@1: is 41; a score lies between 0 and 1" in text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"CLIP": {"other hit@1": 0.1}}, "no score of csv or mine in it; it has scores of other"),
        ({}, "no score of csv or mine in it"),
        ("{", "not valid JSON"),
        ('{"a":' * 30 + "1" + "}" * 30, "more than 20 deep"),
    ],
)
def test_a_file_without_scores_is_refused(value: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match=says):
        read_scores(written(tmp_path, value), collection(), {})


def test_hits_of_a_run_count_pools_that_it_does_not_rank() -> None:
    run = pd.DataFrame({"subtopic_id": ["t1.e1"] * 2, "image_id": ["10", "11"], "rank": [1, 2]})
    assert of_run(run, "mine", collection().pools, "run.trec") == Reported("mine", "hit@1", 0.5, "run.trec")


def test_a_run_of_other_topics_is_refused() -> None:
    run = pd.DataFrame({"subtopic_id": ["q9"], "image_id": ["10"], "rank": [1]})
    with pytest.raises(
        FieldguideError, match=r"run.trec: ranks no subtopic of this collection \(they are named like t1.e1\)"
    ):
        of_run(run, "mine", collection().pools, "run.trec")


def test_chance_is_exact_and_its_bound_is_that_of_random_hits() -> None:
    # One relevant of four images: a quarter; two pools: variance 3/32, so 1.96 standard deviations are .60.
    found = levels(
        AuditSubject(collection(), scores=(Reported("s", "hit@1", 0.5, ""), Reported("s", "infAP", 0.5, "")))
    )
    assert found[0].expected == pytest.approx(0.25)
    assert found[0].bound == pytest.approx(0.85, abs=0.1)
    assert found[1].expected is None
