"""The whole pipeline as users run it: `dvc repro`, again, with one photograph more, one system more, and tracked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from fieldguide.core.paths import Paths
from fieldguide.publishing.release.verify import verify_release
from tests.pipeline.conftest import PER_SPLIT, Site
from tests.prefect_state import place_prefect
from tests.runtime.servers import known, states, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.example]


def test_the_build_leaves_a_report_a_release_and_scores_of_every_system(built: Site) -> None:
    paths = Paths(built.folder)
    assert paths.report.stat().st_size > 10_000
    verify_release(paths.release)
    rows = json.loads((paths.evaluation / "leaderboard.json").read_text())
    assert {row["track"] for row in rows} == {"fullrank", "rerank"}
    assert {"random", "text-zero-shot", "visret", "visret-centred"} <= {row["system"] for row in rows}
    assert all(0 <= row["low"] <= row["mean"] <= row["high"] <= 1 for row in rows)


def test_a_second_repro_runs_no_stage(built: Site) -> None:
    assert "Data and pipelines are up to date." in built.run("dvc", "repro").stdout
    statuses = json.loads(built.run("fieldguide.cli.main", "status", "--json").stdout)
    assert {s["state"] for s in statuses} == {"up to date"}


def test_one_photograph_more_is_one_photograph_decoded_and_encoded(copied: Site, example_input: Path) -> None:
    known = {path.read_bytes() for path in (copied.folder / "data/input/photographs").glob("*/*/*.jpg")}
    import pyarrow.parquet as pq

    table = pq.read_table(
        example_input / "photographs" / "grocery" / "images.parquet", columns=["finegrained_cat", "image_data"]
    )
    new = next(
        row["image_data"]
        for row in table.to_pylist()
        if row["finegrained_cat"] == "Orange" and row["image_data"] not in known
    )
    (copied.folder / "data/input/photographs/gallery/Orange/new.jpg").write_bytes(new)
    told = copied.run("dvc", "repro", "embed").stdout
    assert re.search(r"decoded 1\b", told), told
    for encoder in ("mobilenetv2", "conse", "text-tower"):
        assert f"{encoder}: 61 images, 1 encoded now" in told, told


def test_one_more_system_is_ranked_on_both_tracks_and_no_other(copied: Site) -> None:
    values = yaml.safe_load((copied.folder / "params.yaml").read_text())
    more = {"kind": "text", "encoder": "conse", "query": "phrase", "fusion": "max"}
    names = [*values["retrieve"]["systems"], "one-more"]
    copied.params({"systems": values["systems"] | {"one-more": more}, "retrieve.systems": names})
    told = copied.run("dvc", "repro").stdout
    ranked = re.findall(
        r"^([\w-]+): \d+ of \d+ (?:subtopics over|pools).*?( \(as ranked before\))?$", told, re.MULTILINE
    )
    assert [name for name, before in ranked if not before] == ["one-more", "one-more"]
    assert len(ranked) == 2 * len(names)
    ran = re.findall(r"^Running stage '(.*)':", told, re.MULTILINE)
    after = ["retrieve", "pool", "rerank", "check", "evaluate", "fitness", "answer", "report", "release"]
    assert set(ran) == set(after), told


def test_tracked_it_leaves_steps_tasks_and_artifacts_in_prefects_records(copied: Site) -> None:
    from fieldguide.runtime.builds.server import server

    place_prefect(copied.folder)
    stages = ("visualize", "retrieve", "evaluate", "report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(copied.folder / ".fieldguide" / "prefect"))
        with server(copied.folder) as address:
            tracked = {"FIELDGUIDE_TRACK": "1", "PREFECT_API_URL": address}
            for stage in stages:
                copied.run("dvc", "repro", "--force", "--single-item", stage, **tracked)
            assert {(stage, "COMPLETED") for stage in stages} <= states(address)
            systems = yaml.safe_load((copied.folder / "params.yaml").read_text())["retrieve"]["systems"]
            wait_for(lambda: set(systems) <= {run["name"] for run in known(address, "task_runs")})
            kept = {artifact["key"]: artifact for artifact in known(address, "artifacts")}
    assert set(kept) == {"drawings", "leaderboard", "report"}
    assert kept["drawings"]["data"].startswith("data:image/jpeg;base64,")
    assert {row["system"] for row in json.loads(kept["leaderboard"]["data"])} == set(systems)


def test_a_model_is_trained_when_told_and_alike_from_the_same_photographs(copied: Site) -> None:
    tower = copied.folder / "data/models/text-tower"
    shipped, made = (tower / "model.safetensors").read_bytes(), []
    for flags in ((), ("--again",)):  # the shipped one was trained on other photographs
        told = copied.run("fieldguide.cli.main", "train", "text-tower", *flags).stdout
        assert "30 photographs of 5 entities: data/models/text-tower" in told
        made.append((tower / "model.safetensors").read_bytes())
    assert made[0] == made[1] != shipped


def test_photographs_are_split_as_the_site_says(built: Site) -> None:
    """Guards the other tests: a build of nothing would pass many of them."""
    told = built.run("fieldguide.cli.main", "leaderboard").stdout
    assert "visret" in told
    from fieldguide.records.images import IMAGES

    images = IMAGES.read(Paths(built.folder).images)
    assert sorted(images["split"].value_counts().to_list()) == [5 * PER_SPLIT, 5 * PER_SPLIT]


def test_without_a_generator_nothing_is_drawn_and_the_rest_is_built(copied: Site) -> None:
    copied.params({"visualize.generator": None, "probe.systems": []})
    told = copied.run("fieldguide.cli.main", "build").stdout
    assert "left out: system visret looks at drawings, and visualize.generator is null" in told
    paths = Paths(copied.folder)
    verify_release(paths.release)
    systems = {row["system"] for row in json.loads((paths.evaluation / "leaderboard.json").read_text())}
    assert {"random", "text-zero-shot", "decompose"} <= systems
    assert not {name for name in systems if name.startswith(("visret", "cletir", "pdv"))}
    assert "No text-to-image model drew anything." in paths.report.read_text()
