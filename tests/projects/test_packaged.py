from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import sha256_bytes, sha256_file
from fieldguide.projects import packaged as example
from fieldguide.projects.packaged import PackagedInput, place_packaged, read_packaged
from fieldguide.projects.pipeline import WEIGHTS
from tests.conftest import REPOSITORY


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: whatever is asked for is installed there as version 1.0."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Distribution:
        @staticmethod
        def locate_file(path: str) -> Path:
            return folder / path

    def version(name: str) -> str:
        if name == "absent":
            raise example.importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(example.importlib.metadata, "distribution", lambda name: Distribution)
    monkeypatch.setattr(example.importlib.metadata, "version", version)
    return folder


def _pinned(folder: Path, name: str, data: bytes) -> dict[str, str]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"path": name, "sha256": sha256_bytes(data)}


def _item(**values: Any) -> PackagedInput:
    return PackagedInput.model_validate({"to": "x", "kind": "copy", "package": "p", "version": "1.0", **values})


def _place(items: list[PackagedInput], target: Path) -> list[bool]:
    return [made for _, made in place_packaged(items, target)]


def test_files_are_placed_once_and_again_when_they_change(installed: Path, tmp_path: Path) -> None:
    items = [_item(files=[_pinned(installed, "p/a.bin", b"a")], name="b.bin")]
    target = tmp_path / "input"
    assert _place(items, target) == [True]
    assert (target / "x" / "b.bin").read_bytes() == b"a"
    assert _place(items, target) == [False]
    (target / "x" / "b.bin").write_bytes(b"spoiled")
    assert _place(items, target) == [True]
    assert (target / "x" / "b.bin").read_bytes() == b"a"
    items = [_item(files=[_pinned(installed, "p/a.bin", b"new")], name="b.bin")]
    assert _place(items, target) == [True]
    assert (target / "x" / "b.bin").read_bytes() == b"new"


def test_everything_wrong_with_a_package_is_told_at_once(installed: Path, tmp_path: Path) -> None:
    pinned = _pinned(installed, "p/a.bin", b"a")
    (installed / "p" / "a.bin").write_bytes(b"b")
    files = [pinned, {"path": "p/gone.bin", "sha256": "0" * 64}]
    with pytest.raises(ProblemsError) as error:
        _place([_item(files=files, version="2.0")], tmp_path / "input")
    text = str(error.value)
    assert "data/input/x cannot be placed" in text
    assert "package p: expected version 2.0, found 1.0; install that version" in text
    assert f"p/a.bin: expected sha256 {sha256_bytes(b'a')}, found {sha256_bytes(b'b')}; install that version" in text
    assert "package p: has no file p/gone.bin; install that version" in text
    assert not (tmp_path / "input" / "x").exists()


def test_a_package_that_is_not_installed_is_told(installed: Path, tmp_path: Path) -> None:
    files = [{"path": "a", "sha256": "0" * 64}]
    with pytest.raises(
        ProblemsError, match=r"package absent: is not installed; expected version 1\.0; install that version"
    ):
        _place([_item(package="absent", files=files)], tmp_path / "input")


def _museum(installed: Path, public: bool) -> PackagedInput:
    work = {
        "objectID": 7, "isPublicDomain": public, "artistDisplayName": "", "culture": "Korea", "title": "A\nscroll",
        "repository": "The Museum", "objectURL": "https://museum.example/7",
    }  # fmt: skip
    photograph = _pinned(installed, "m/data/7.jpg", b"jpeg")
    digest = sha256_bytes(f"{photograph['sha256']}  7.jpg\n".encode())
    folder = {"path": "m/data", "suffix": ".jpg", "count": 1, "sha256": digest}
    objects = _pinned(installed, "m/data/objects.json", json.dumps({"objects": [work]}).encode())
    return _item(kind="museum", files=[objects], folder=folder)


def test_works_of_a_museum_come_with_their_credit(installed: Path, tmp_path: Path) -> None:
    _place([_museum(installed, True)], tmp_path)
    with (tmp_path / "x" / "manifest.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {
        "path": "7.jpg",
        "licence": "CC0-1.0",
        "attribution": "Korea: A scroll. The Museum, https://museum.example/7",
    }
    assert (tmp_path / "x" / "7.jpg").read_bytes() == b"jpeg"


def test_a_work_that_is_not_in_the_public_domain_is_refused(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"7\.jpg: is not marked public domain"):
        _place([_museum(installed, False)], tmp_path)


def test_a_folder_of_other_files_is_told(installed: Path, tmp_path: Path) -> None:
    item = _museum(installed, True)
    (installed / "m" / "data" / "7.jpg").write_bytes(b"other")
    with pytest.raises(ProblemsError, match=r"m/data/\*\.jpg: expected sha256 .*, found .*; install that version"):
        _place([item], tmp_path)
    (installed / "m" / "data" / "8.jpg").write_bytes(b"more")
    with pytest.raises(ProblemsError, match=r"m/data: expected 1 files \*\.jpg, found 2; install that version"):
        _place([item], tmp_path)


def test_weights_become_safetensors_with_the_same_bytes_every_time(installed: Path, tmp_path: Path) -> None:
    weight = torch.arange(6, dtype=torch.float32).reshape(2, 3).T
    torch.save({"b": weight, "a": torch.tensor(3)}, installed / "w.pth")
    item = _item(
        kind="torch", to="w.safetensors", files=[_pinned(installed, "w.pth", (installed / "w.pth").read_bytes())]
    )
    _place([item], tmp_path / "1")
    _place([item], tmp_path / "2")
    assert torch.equal(load_file(tmp_path / "1" / "w.safetensors")["b"], weight)
    assert sha256_file(tmp_path / "1" / "w.safetensors") == sha256_file(tmp_path / "2" / "w.safetensors")


def test_weights_that_would_run_code_are_not_read(installed: Path, tmp_path: Path) -> None:
    torch.save({"a": Path("x")}, installed / "w.pth")
    item = _item(
        kind="torch", to="w.safetensors", files=[_pinned(installed, "w.pth", (installed / "w.pth").read_bytes())]
    )
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        _place([item], tmp_path / "input")
    assert not (tmp_path / "input" / "w.safetensors").exists()


def test_example_yaml_that_does_not_fit_is_told_by_key(tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    with pytest.raises(FieldguideError, match="no such file"):
        read_packaged(path)
    path.write_text("inputs: [{to: x, kind: steal, package: p, version: '1'}]")
    with pytest.raises(ProblemsError) as error:
        read_packaged(path)
    assert "kind: Input should be 'copy', 'museum', 'wordnet' or 'torch' (found 'steal')" in str(error.value)
    assert "files: Field required" in str(error.value)
    path.write_text("- no")
    with pytest.raises(FieldguideError, match="expected YAML with a list `inputs`"):
        read_packaged(path)


def test_what_is_placed_is_where_params_look_for_it() -> None:
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    inputs = [*read_packaged(REPOSITORY / "data" / "example.yaml"), *read_packaged(WEIGHTS)]
    places = {f"data/input/{item.to.as_posix()}" for item in inputs}
    encoder = params["encoders"]["conse"]
    wanted = [source["path"] for source in params["ingest"]["sources"]]
    wanted += [encoder["weights"], encoder["text"], params["mine"]["wordnet"]]
    assert all(path in places or str(Path(path).parent) in places for path in wanted)


@pytest.mark.example
def test_glosses_are_of_fruit(example_input: Path) -> None:
    rows = [json.loads(line) for line in (example_input / "wordnet" / "glosses.jsonl").read_text().splitlines()]
    assert len(rows) == 36
    assert rows[0] == {
        "synset": "anjou.n.02",
        "lemmas": ["anjou"],
        "gloss": "a pear with firm flesh and a green skin",
        "hypernym_path": [
            "entity.n.01", "physical_entity.n.01", "matter.n.03", "solid.n.01", "food.n.02", "produce.n.01",
            "edible_fruit.n.01", "pear.n.01", "anjou.n.02",
        ],
    }  # fmt: skip
    assert all("edible_fruit.n.01" in row["hypernym_path"] for row in rows)


@pytest.mark.example
def test_every_work_of_the_museum_is_credited(example_input: Path) -> None:
    with (example_input / "photographs" / "met" / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 174 and {row["licence"] for row in rows} == {"CC0-1.0"}
    assert rows[0]["attribution"].startswith("Unidentified artist: Water-moon Avalokiteshvara. Metropolitan Museum")
