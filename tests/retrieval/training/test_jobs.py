from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.shards import iter_images, read_images
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.encoders.section import TextTowerEncoder
from fieldguide.models.generators.section import FlowMatchingGenerator
from fieldguide.params import Params
from fieldguide.queries.visuals.drawing.drawings import read_drawings
from fieldguide.records.topics import Phrase, write_records
from fieldguide.retrieval.training.jobs import GeneratorJob, Job, TextTowerJob
from fieldguide.retrieval.training.train_split import read_train_split
from flows.visualize import visualize
from tests.builders import tiny_benchmark, tiny_params
from tests.models import tiny


def silence(_: str) -> None:
    """Say nothing."""


TRAINED = ("granny-smith", "red-delicious")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A tiny benchmark whose knowledge covers two of its three entities."""
    paths = tiny_benchmark(tmp_path)
    paths.knowledge.mkdir(exist_ok=True)
    entities = [
        {"entity_id": entity, "name": entity.replace("-", " "), "taxonomy": ["fruit", entity]} for entity in TRAINED
    ]
    (paths.knowledge / "entities.jsonl").write_text("".join(json.dumps(e) + "\n" for e in entities))
    rows = ["entity_id,feature,part,value,evidence", *(f"{e},colour,skin,red,seen" for e in TRAINED)]
    (paths.knowledge / "attributes.csv").write_text("\n".join(rows) + "\n")
    tiny.minilm(tmp_path / "minilm")
    tiny.mobilenetv2(tmp_path / "mobilenetv2.safetensors")
    return paths


def _params() -> Params:
    text = {"text": "minilm"}
    params = tiny_params(
        train_generator={"size": 32, "channels": 32, "steps": 3, "batch": 2, "seed": 1},
        train_text_tower={"epochs": 2, "seed": 1},
    )
    values = params.model_dump(mode="json")
    values["generators"] = {
        "tiny-generator": {"kind": "flow-matching", "path": "data/models/generator", "steps": 1, **text}
    }
    tower = {"kind": "text-tower", "weights": "mobilenetv2.safetensors", "tower": "data/models/text-tower", **text}
    values["encoders"] |= {"tower": tower}
    return Params.model_validate(values)


def _jobs(paths: Paths, params: Params) -> list[Job]:
    split = read_train_split(paths, "train")
    generator, tower = params.generators["tiny-generator"], params.encoders["tower"]
    assert isinstance(generator, FlowMatchingGenerator) and isinstance(tower, TextTowerEncoder)
    return [
        GeneratorJob(split, params.train_generator, generator), TextTowerJob(split, params.train_text_tower, tower)
    ]  # fmt: skip


def _weights(paths: Paths) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(paths.models.rglob("*.safetensors"))}


def test_another_recipe_is_not_done_where_one_was(paths: Paths) -> None:
    params = _params()
    _, tower = _jobs(paths, params)
    tower.run(say=silence)
    first = _weights(paths)
    assert tower.is_done()
    longer = params.model_copy(update={"train_text_tower": params.train_text_tower.model_copy(update={"epochs": 3})})
    _, other = _jobs(paths, longer)
    assert not other.is_done()
    other.run(say=silence)
    assert _weights(paths) != first


def test_other_photographs_are_another_training(paths: Paths) -> None:
    _, tower = _jobs(paths, _params())
    tower.run(say=silence)
    listed = paths.models / "text-tower" / "photographs.txt"
    listed.write_text("\n".join(listed.read_text().split()[1:]))
    assert not tower.is_done()


def test_the_train_split_holds_known_entities_in_order(paths: Paths) -> None:
    split = read_train_split(paths, "train")
    images = read_images(paths)
    expected = images[(images["split"] == "train") & images["entity_id"].isin(TRAINED)].sort_values("image_id")
    assert split.images["image_id"].tolist() == expected["image_id"].tolist()
    assert split.entities == list(TRAINED)
    assert [split.entities[n] for n in split.labels] == expected["entity_id"].tolist()
    assert "a photo of granny smith, showing the skin" in split.phrases[0]
    assert "a photo of fruit" in split.generic
    shown = {row.image_id: image.tobytes() for row, image in iter_images(paths, expected)}
    assert [image.tobytes() for image in split.photographs()] == [shown[i] for i in expected["image_id"]]


def test_a_split_without_known_entities_is_told(paths: Paths) -> None:
    lines = (paths.knowledge / "entities.jsonl").read_text().replace("granny-smith", "a").replace("red-delicious", "b")
    (paths.knowledge / "entities.jsonl").write_text(lines)
    (paths.knowledge / "attributes.csv").write_text("entity_id,feature,part,value,evidence\n")
    with pytest.raises(FieldguideError, match=r"split 'train' has no photograph of an entity of .*entities.jsonl"):
        read_train_split(paths, "train")


def test_what_is_trained_can_be_drawn_and_encoded_with(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(paths.root)  # a flow works where it is started
    params = _params()
    said: list[str] = []
    for job in _jobs(paths, params):
        assert (job.seconds() > 0 and not paths.models.exists()) or job.role == "text-tower"
        job.run(say=said.append)
        assert job.is_done()
    photographs = len(read_train_split(paths, "train").images)
    assert said[-1] == f"{photographs} photographs of 2 entities: {paths.models / 'text-tower'}"
    first = _weights(paths)
    shutil.rmtree(paths.models)
    for job in _jobs(paths, params):
        job.run(say=silence)
    assert _weights(paths) == first
    assert not list((paths.cache / "training").glob("*"))  # a finished training leaves no checkpoint

    write_records(paths.phrases, [Phrase("t1.e1", "granny smith", "template")])
    with pytest.raises(ProblemsError, match=r"was trained on 2 entities .* and knows no others: not satsuma"):
        visualize.fn(params.visualize, params.generators)
    write_records(paths.topics, [])
    capsys.readouterr()
    visualize.fn(params.visualize, params.generators)
    drawn = 2 * params.visualize.images
    assert f"tiny-generator: {drawn} drawn now, 0 drawn before, 0 failed\n" in capsys.readouterr().out
    assert {image.size for _, image in read_drawings(paths)} == {(32, 32)}

    encoder = load_encoder("tower", params.encoders["tower"], paths.root)
    vectors = encoder.encode_texts(["a photo of apple"])
    assert np.isfinite(vectors).all()


def test_the_command_says_what_would_be_learnt_trains_and_keeps(
    paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(paths.root)
    (paths.root / "params.yaml").write_text(yaml.safe_dump(_params().model_dump(mode="json")))
    run = CliRunner()
    told = run.invoke(app, ["train", "generator", "--dry-run"]).output
    assert "on this machine" in told and "drawn badly: granny-smith (" in told
    assert not paths.models.exists()
    assert (
        f"photographs of 2 entities: {paths.models.relative_to(paths.root)}"
        in run.invoke(app, ["train", "text-tower"]).output
    )
    assert "is kept (`--again` trains it anew)" in run.invoke(app, ["train", "text-tower"]).output
    refused = run.invoke(app, ["train", "generator", "tower"])
    assert "no section of kind flow-matching; there are: tiny-generator" in str(refused.exception)
