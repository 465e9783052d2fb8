"""A benchmark of one's own: what `fieldguide init` writes, and how it stays in step with params and library."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.cli.views.doctor import examine
from fieldguide.core.errors import FieldguideError
from fieldguide.params import read_params
from fieldguide.params.ready import unready
from fieldguide.projects import project
from fieldguide.projects.pipeline import INERT, LIBRARY, TEMPLATE, inputs_of, library_pipeline, project_pipeline, rooms
from fieldguide.projects.project import IGNORED_BY_GIT, changed_rooms, keep_in_step
from tests.conftest import REPOSITORY

FRUIT = re.compile(r"fruit|(?<!-)apple|cultivar|satsuma|granny", re.IGNORECASE)


def photographs(folder: Path, **counts: int) -> Path:
    for name, count in counts.items():
        for number in range(count):
            path = folder / name.replace("_", " ") / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 20), (number, len(name), 99)).save(path)
    return folder


@pytest.fixture
def birds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two gulls, as `fieldguide init` leaves it; it is the working folder."""
    photographs(tmp_path / "pictures", Herring_Gull=12, Common_Gull=12)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["init", "birds", "--from", "pictures"])
    assert done.exit_code == 0, done.output
    assert "24 photographs, 2 entities" in done.output
    monkeypatch.chdir(tmp_path / "birds")
    return tmp_path / "birds"


def change(root: Path, key: str, value: Any) -> None:
    values = yaml.safe_load((root / "params.yaml").read_text())
    section, _, name = key.partition(".")
    if name:
        values.setdefault(section, {})[name] = value
    else:
        values[section] = value
    (root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def describe(root: Path) -> None:
    path = root / "data/knowledge/entities.csv"
    path.write_text(path.read_text().replace("Gull,\n", "Gull,A gull.\n"))


def test_it_finds_entities_and_writes_nothing_about_the_example(birds: Path) -> None:
    assert (birds / "data/knowledge/entities.csv").read_text().splitlines()[1:] == [
        "common-gull,Common Gull,,birds > birds > Common Gull,",
        "herring-gull,Herring Gull,,birds > birds > Herring Gull,",
    ]
    written = [p for p in birds.rglob("*") if p.is_file() and ".git" not in p.parts and p.suffix != ".jpg"]
    assert {"params.yaml", "dvc.yaml", LIBRARY, "guidelines.md", "label_config.xml"} <= {p.name for p in written}
    assert [p for p in written if FRUIT.search(p.read_text())] == []


def test_what_is_still_to_be_done_is_told_and_nothing_else(birds: Path) -> None:
    found = {problem.where.rpartition("/")[2] for problem in unready(read_params(), birds)}
    assert {"attributes.csv", "encoders.conse.weights"} <= found
    assert not {where for where in found if not where.startswith(("attributes.csv", "encoders."))}
    describe(birds)
    assert {problem.where.partition(".")[0] for problem in unready(read_params(), birds)} == {"encoders"}


def test_its_pipeline_follows_params(birds: Path) -> None:
    assert not keep_in_step(birds, read_params())
    stages = yaml.safe_load((birds / "dvc.yaml").read_text())["stages"]
    assert "train_cletir" not in stages and "refine" not in stages
    assert "data/input/photographs/birds" in stages["ingest"]["deps"]
    assert "adjudicate" in stages["adjudicate"]["params"] and "pool" not in stages["adjudicate"]["params"]
    (birds / "more").mkdir()
    sources = yaml.safe_load((birds / "params.yaml").read_text())["ingest"]["sources"]
    change(birds, "ingest.sources", [*sources, {"name": "more", "kind": "folder", "path": "more", "entities": None}])
    change(birds, "pool.depth", 10)
    assert keep_in_step(birds, read_params())
    stages = yaml.safe_load((birds / "dvc.yaml").read_text())["stages"]
    assert "more" in stages["ingest"]["deps"]
    assert "pool" in stages["adjudicate"]["params"]


def test_a_system_that_draws_in_rounds_brings_its_stage(birds: Path) -> None:
    encoder = next(iter(read_params().encoders))
    visret, chat = {"kind": "visret", "encoder": encoder}, {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    systems = yaml.safe_load((birds / "params.yaml").read_text()).get("systems", {})
    genir = {"kind": "genir", "visret": visret, "chat": chat, "refined": "genir"}
    change(birds, "systems", systems | {"genir": genir})
    assert "refine" not in project_pipeline(read_params(), {})["stages"]  # nothing draws: the system is left out
    change(birds, "generators", {"draws": {"kind": "openai-images", "size": "16x16", **chat}})
    change(birds, "visualize.generator", "draws")
    assert keep_in_step(birds, read_params())
    stages = yaml.safe_load((birds / "dvc.yaml").read_text())["stages"]
    assert stages["refine"]["matrix"] == {"system": ["genir"]}
    shutil.rmtree(birds / "data/refined")  # as in a project of an older library
    change(birds, "pool.depth", 7)
    assert keep_in_step(birds, read_params()) and (birds / "data/refined/README.md").is_file()
    assert "systems.${item.system}" in stages["refine"]["params"]
    assert "data/refined" in stages["retrieve"]["deps"]


def test_another_library_is_not_built_with_unsaid(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "rooms", lambda: rooms() | {"corpus/ingest": "changed"})
    assert changed_rooms(birds) == ["corpus/ingest"]
    with pytest.raises(FieldguideError, match=r"another library is installed, .* changed: corpus/ingest"):
        keep_in_step(birds, read_params())
    run = CliRunner()
    told = run.invoke(app, ["upgrade", "--dry-run"]).output
    assert "would run again: ingest\n" in told
    assert changed_rooms(birds) == ["corpus/ingest"]
    assert "run again: ingest" in run.invoke(app, ["upgrade"]).output
    assert changed_rooms(birds) == []
    assert "is the one that this project was built with" in run.invoke(app, ["upgrade"]).output


def test_what_is_there_is_left_alone_and_half_a_project_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "birds").mkdir()
    (tmp_path / "birds" / "mine.txt").touch()
    run = CliRunner()
    assert "is there already and not empty" in str(run.invoke(app, ["init", "birds"]).exception)
    assert "no such folder" in str(run.invoke(app, ["init", "gulls", "--from", "nowhere"]).exception)
    assert not (tmp_path / "gulls").exists()
    assert "allowed in a benchmark's name" in str(run.invoke(app, ["init", "../gulls"]).exception)


def test_folders_called_after_splits_are_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photographs(tmp_path / "pictures" / "train", Herring_Gull=2)
    photographs(tmp_path / "pictures" / "test", Herring_Gull=4)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["init", "birds", "--from", "pictures"]).exit_code == 0
    sources = read_params(tmp_path / "birds" / "params.yaml").ingest.sources
    assert [(source.name, source.split) for source in sources] == [("birds-test", "gallery"), ("birds-train", "train")]


def test_the_examples_own_pipeline_depends_on_what_its_params_name() -> None:
    """The example is built by the template itself: what a project's dvc.yaml would depend on, its own covers."""
    values = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    params, stages = read_params(REPOSITORY / "params.yaml"), library_pipeline()["stages"]
    for name, inputs in inputs_of(params).items():
        for path in inputs:
            assert any(path.is_relative_to(dep) for dep in stages[name]["deps"]), (name, path)
    made = project_pipeline(params, values)["stages"]
    assert {*made, "refine"} == {*stages}  # the example has no system that draws in rounds
    for name, stage in [(name, stages[name]) for name in made]:
        assert stage.get("params", []) == made[name]["params"][:-1]
        assert stage["cmd"] == made[name]["cmd"] and stage["outs"] == made[name]["outs"]


def test_what_the_template_repeats_of_the_examples_floor_stays_the_same() -> None:
    """Guidelines but for sentences about fruit, what git ignores, and what cannot change a result."""
    ours, theirs = (
        path.read_text().splitlines() for path in (REPOSITORY / "annotation/guidelines.md", TEMPLATE / "guidelines.md")
    )
    assert len(ours) == len(theirs)
    about_fruit = re.compile(FRUIT.pattern + "|crate|skin|half eaten|film", re.IGNORECASE)
    assert [a for a, b in zip(ours, theirs, strict=True) if a != b and not about_fruit.search(a)] == []
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    assert [line for line in ignored if "/data/" in line] == [line for line in IGNORED_BY_GIT if "/data/" in line]
    inert = [line for line in (REPOSITORY / ".dvcignore").read_text().splitlines() if line.startswith("/fieldguide/")]
    assert sorted(f"/fieldguide/{part}" + "/" * (not part.endswith(".py")) for part in INERT) == sorted(inert)


def test_links_and_leftovers_are_not_taken_and_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = photographs(tmp_path / "pictures", Gull=4)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.jpg").touch()
    (folder / "Elsewhere").symlink_to(tmp_path / "secret")
    (folder / "Gull" / "link.jpg").symlink_to(tmp_path / "secret" / "key.jpg")
    os.mkfifo(folder / "Gull" / "pipe.jpg")
    (folder / "@eaDir").mkdir()
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["init", "birds", "--from", "pictures"]).output
    assert "not taken, for it is no file, a link or a leftover: @eaDir, Elsewhere, Gull/link.jpg, Gull/pipe.jpg" in told
    taken = sorted(p.name for p in (tmp_path / "birds/data/input/photographs/birds").rglob("*.jpg"))
    assert taken == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    monkeypatch.chdir(folder)
    assert "would lie in it" in str(CliRunner().invoke(app, ["init", "inside", "--from", "."]).exception)


def test_the_doctor_knows_that_a_build_brings_dvc_yaml_in_step(birds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (birds / "more").mkdir()
    sources = yaml.safe_load((birds / "params.yaml").read_text())["ingest"]["sources"]
    change(
        birds, "ingest.sources", [*sources, {"name": "more", "kind": "folder", "path": "more", "licence": "CC0-1.0"}]
    )
    assert not [f for f in examine(birds) if f.verdict == "problem" and "deps" in f.detail]
    monkeypatch.setattr(project, "rooms", lambda: rooms() | {"corpus/ingest": "changed"})
    (found,) = [f for f in examine(birds) if f.name.endswith(LIBRARY)]
    assert found.verdict == "problem" and "changed: corpus/ingest" in found.detail
