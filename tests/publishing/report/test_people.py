"""The report's section on people: there where people judged, with what agreement.json says, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.page import write_report
from fieldguide.publishing.report.pictures.people import agreement_over_time
from fieldguide.publishing.report.views.people import people
from fieldguide.records.judgments import AGREEMENT_VERSION, POOLS
from tests.annotation.simulated_votes import ASSESSORS
from tests.builders import tiny_params
from tests.publishing.report.conftest import Page, pages_of

HEAD = """---
version: look-1
about: People looked.
answers:
  - {choice: plain, grade: 2, label: plain, key: "2", definition: It is plain to see.}
  - {choice: partly, grade: 1, label: partly, key: "1", definition: A part of it shows.}
  - {choice: not-visible, grade: 0, label: not visible, key: "0", definition: It does not show.}
---
Look.
"""
CHOICES = {2: "plain", 1: "partly", 0: "not-visible"}


@pytest.fixture
def judged(fresh: Paths) -> Paths:
    """A finished benchmark in which three people judged two thirds of the pools each."""
    from flows.adjudicate import adjudicate
    from tests.steps import run_step

    fresh.judgments.unlink()
    fresh.used_guidelines.mkdir(parents=True)
    (fresh.used_guidelines / "look-1.md").write_text(HEAD, encoding="utf-8")
    said = [
        Judgment(
            subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=name, grade=grade, choice=CHOICES[grade],
            guideline="look-1", sighted=name == "ada" and n % 4 == 0,
        )
        for n, row in enumerate(POOLS.read(fresh.pools).itertuples())
        for k, name in enumerate(ASSESSORS)
        if n % 3 != k
        for grade in [(n + (k * n) % 5 // 4) % 3]
    ]  # fmt: skip
    log.append(fresh.judgments, said)
    guess = {"system": "text", "relevant": 3}
    changes: dict[str, Any] = {"gold": None, "gold_share": 0, "preannotation": guess}
    run_step(adjudicate, tiny_params(adjudicate={"judge": "log", "rule": "dawid-skene"}, annotate=changes), fresh)
    return fresh


def test_nobody_judged_nothing_is_shown(paths: Paths, pages: dict[str, Page], params: Params) -> None:
    assert people(Benchmark(paths, params)) is None
    assert "people.html" not in pages
    assert "people.html" not in pages["index.html"].attributes("href")


def test_the_section_says_what_the_summary_says(judged: Paths, params: Params) -> None:
    values = json.loads((judged.qrels / "agreement.json").read_text())
    found = people(Benchmark(judged, params))
    assert found is not None
    ordinal = values["agreement"]["overall"]["ordinal"]
    assert f"{ordinal['value']:.2f} ({ordinal['low']:.2f} to {ordinal['high']:.2f}) (ordinal)" in found["lead"]
    assert [row[:2] for row in found["assessors"].rows] == [
        (one["assessor"], one["votes"]) for one in values["assessors"]
    ]
    assert dict(found["decided"].rows) == values["decided_by"]  # type: ignore[arg-type]
    assert [row[0] for row in found["errors"].rows] == ["ada"] * 3 + ["ben"] * 3 + ["cleo"] * 3
    assert len(found["kappas"].rows) == 3
    assert found["anchoring"] == values["anchoring"]["words"]
    alphas = [row[2] for row in found["topics"].rows]
    assert alphas == sorted(alphas, key=lambda text: float(text.split()[0]))


def test_the_page_holds_it_and_is_whole(judged: Paths, params: Params) -> None:
    path = judged.qrels / "agreement.json"
    values = json.loads(path.read_text())
    values["assessors"][0]["assessor"] = "<script>alert(1)</script>"
    values["notes"] = ["a note <b>"]
    path.write_text(json.dumps(values))
    write_report(params, judged)
    pages = pages_of(judged)
    page = pages["people.html"]
    assert page.unbalanced == []
    assert "people.html" in pages["index.html"].attributes("href")
    assert "<script>alert(1)</script>" in page.text
    assert "a note <b>" in page.text
    assert "How grades were decided" in page.text
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))


def entry(image: int, assessor: str, grade: int, minute: int | None) -> Judgment:
    at = None if minute is None else f"2026-05-{1 + minute // 60:02}T09:{minute % 60:02}:00+02:00"
    return Judgment(subtopic_id="t1.e1", image_id=f"{image:04}", assessor=assessor, grade=grade, choice=CHOICES[grade],
                    guideline="look-1", judged_at=at)  # fmt: skip


def test_agreement_over_time_is_counted_by_hand(tmp_path: Path) -> None:
    said = [entry(n, "ada", 2, 59 - n) for n in range(60)]  # the last images first
    said += [entry(n, "ben", 2 if n < 20 else 0, 60 + n) for n in range(60)]
    said += [entry(60, "ada", 2, 3), entry(61, "ada", 2, 3), entry(61, "ben", 2, None)]
    log.append(tmp_path / "log.jsonl", said)
    found = agreement_over_time(log.read(tmp_path / "log.jsonl").entries, 0.95)
    assert list(found["images"]) == [20, 20, 20]
    assert list(found["same"]) == [1.0, 0.0, 0.0]
    assert found["first"][0] == "2026-05-02T07:00:00+00:00"
    assert all(found["low"] <= found["same"]) and all(found["same"] <= found["high"])


def test_agreement_of_few_images_is_not_drawn(tmp_path: Path) -> None:
    log.append(tmp_path / "log.jsonl", [entry(n, name, 2, n) for n in range(39) for name in ("ada", "ben")])
    assert agreement_over_time(log.read(tmp_path / "log.jsonl").entries, 0.95).empty


def test_agreement_over_time_is_drawn(judged: Paths, params: Params) -> None:
    judged.judgments.unlink()
    log.append(judged.judgments, [entry(n, name, n % 2, n) for n in range(60) for name in ("ada", "ben")])
    write_report(params, judged)
    folder = judged.report.parent / "pictures"
    assert (folder / "agreement.csv").read_text().splitlines()[0] == "first,last,images,same,low,high"
    assert "2026-05-01" in (folder / "agreement.svg").read_text()
    assert "pictures/agreement.svg" in pages_of(judged)["pictures.html"].sources("img")
    out = params.adjudicate.model_copy(update={"excluded": {"ben": "clicked on without looking"}})
    write_report(params.model_copy(update={"adjudicate": out}), judged)
    assert not (folder / "agreement.csv").exists()  # nobody judged with ada


def test_undefined_values_are_words(judged: Paths, params: Params) -> None:
    path = judged.qrels / "agreement.json"
    values = json.loads(path.read_text())
    nothing = {"value": None, "low": None, "high": None, "units": 0, "reason": "no image has two answers"}
    values["agreement"]["overall"] = dict.fromkeys(("ordinal", "nominal", "choices"), nothing)
    values["agreement"]["topics"]["t0"] = dict.fromkeys(("ordinal", "nominal", "choices"), nothing)
    path.write_text(json.dumps(values | {"errors": [], "anchoring": None}))
    found = people(Benchmark(judged, params))
    assert found is not None
    assert "none: no image has two answers (ordinal)" in found["lead"]
    assert "resample" not in found["lead"]
    assert found["topics"].rows[-1][0] == "t0"
    assert (found["errors"].rows, found["anchoring"]) == ((), "")


def test_a_summary_of_another_version_is_refused(tmp_path: Path, params: Params) -> None:
    paths = Paths(tmp_path)
    paths.qrels.mkdir(parents=True)
    (paths.qrels / "agreement.json").write_text(json.dumps({"schema_version": AGREEMENT_VERSION + 1}))
    with pytest.raises(
        FieldguideError, match=r"agreement\.json: is of version 2, expected 1; `dvc repro -f adjudicate`"
    ):
        people(Benchmark(paths, params))
