from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.generators.ip_adapter import IPAdapter
from fieldguide.models.generators.registry import load_generator
from fieldguide.models.loading.protocols import ConditionedGenerator, Generator, Refused
from tests.models import tiny
from tests.models.generators import folders
from tests.models.generators.sections import section

PHOTOGRAPHS = tiny.images(4)


@pytest.fixture(scope="module", params=["stable_diffusion", "sdxl"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline and an adapter that fits it."""
    root: Path = tmp_path_factory.mktemp(request.param)
    getattr(folders, request.param)(root)
    folders.ip_adapter(root / "adapter", width=16 if request.param == "stable_diffusion" else 32)
    return root


def load(root: Path, **values: Any) -> IPAdapter:
    given = {"path": "pipeline", "adapter": "adapter", "steps": 2, "guidance": 2.0, **values}
    made = load_generator("mine", section("ip-adapter", **given), root)
    assert isinstance(made, IPAdapter)
    return made


def pixels(drawings: list[Image.Image | Refused]) -> list[bytes]:
    assert all(isinstance(drawing, Image.Image) for drawing in drawings), drawings
    return [drawing.tobytes() for drawing in drawings if isinstance(drawing, Image.Image)]


def test_the_photographs_determine_the_drawing_and_nothing_beside_it_does(folder: Path) -> None:
    generator = load(folder)
    assert isinstance(generator, Generator)
    assert isinstance(generator, ConditionedGenerator)
    shown = [PHOTOGRAPHS[:1], PHOTOGRAPHS[1:2], PHOTOGRAPHS[:3]]
    whole = pixels(generator.draw_like(["pear"] * 3, [1] * 3, shown))
    assert len(set(whole)) == 3
    assert pixels(generator.draw_like(["pear"] * 3, [1] * 3, shown[::-1])) == whole[::-1]
    generator.draw(["pear"], [1])
    assert pixels(generator.draw_like(["pear"], [1], [PHOTOGRAPHS[1:2]])) == whole[1:2]


def test_without_photographs_it_is_the_pipeline_alone(folder: Path) -> None:
    alone = load_generator("alone", section("diffusers", path="pipeline", steps=2, guidance=2.0), folder)
    generator = load(folder)
    assert pixels(generator.draw(["pear", "apple"], [1, 2])) == pixels(alone.draw(["pear", "apple"], [1, 2]))
    assert pixels(load(folder, scale=0.0).draw_like(["pear"], [1], [PHOTOGRAPHS[:1]])) == pixels(
        alone.draw(["pear"], [1])
    )


def test_what_determines_a_drawing_is_in_revision_and_settings(folder: Path, tmp_path: Path) -> None:
    generator = load(folder)
    assert generator.settings == {"steps": 2, "guidance": 2.0, "scale": 0.6}
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert load(tmp_path).revision == generator.revision
    config = tmp_path / "adapter" / "image_encoder" / "config.json"
    config.write_text(config.read_text() + "\n")
    assert load(tmp_path).revision != generator.revision


def test_an_entity_without_photographs_is_refused_and_a_prompt_that_would_be_cut_is(folder: Path) -> None:
    first, second, third = load(folder).draw_like(
        ["pear", "pear " * 40, "pear"], [1, 2, 3], [[], PHOTOGRAPHS, PHOTOGRAPHS]
    )
    assert first == Refused("there is no reference photograph")
    assert second == Refused("the prompt has 162 tokens and the pipeline reads 77; shorten the phrase")
    assert isinstance(third, Image.Image)


def test_what_is_missing_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match=r"generators.mine.adapter_weights: adapter/other.safetensors: no such"):
        load(folder, adapter_weights="other.safetensors")
    with pytest.raises(ProblemsError) as error:
        load(tmp_path)
    assert "generators.mine.path: pipeline/model_index.json: no such file" in str(error.value)
    assert "generators.mine.adapter: adapter/image_encoder/model.safetensors: no such file" in str(error.value)


@pytest.mark.parametrize("name", ["ip-adapter.bin", "../other.safetensors"])
def test_pickled_weights_and_those_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"has to be the name of a .safetensors file; pickled weights"):
        section("ip-adapter", path="pipeline", adapter="adapter", adapter_weights=name)


def test_an_adapter_for_another_pipeline_is_told(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "adapter")
    folders.ip_adapter(tmp_path / "adapter", width=24)
    with pytest.raises(FieldguideError, match=r"adapter/ip-adapter.safetensors: does not fit .*pipeline"):
        load(tmp_path).draw_like(["pear"], [1], [PHOTOGRAPHS[:1]])


def test_a_pipeline_that_takes_no_adapter_is_told(folder: Path, tmp_path: Path) -> None:
    folders.flux(tmp_path)
    shutil.copytree(folder / "adapter", tmp_path / "adapter")
    with pytest.raises(FieldguideError, match="FluxPipeline takes no IP-Adapter; Stable Diffusion and SDXL do"):
        load(tmp_path).draw(["pear"], [1])
