"""Every family of diffusers by its real loading path: a folder that the library saved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.models.generators.registry import load_generator
from fieldguide.models.loading.protocols import Generator, Refused
from tests.models.generators import folders
from tests.models.generators.sections import section

PROMPTS, SEEDS = ["pear", "apple", "a photo of fruit"], [1, 2, 3]
FAMILIES: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "sdxl": (folders.sdxl, {"steps": 1, "guidance": 0.0}),
    "sd3": (folders.sd3, {"steps": 2, "guidance": 4.0}),
    "flux": (folders.flux, {"steps": 2, "guidance": 0.0}),
}


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pipelines")
    return {name: make(root / name) for name, (make, _) in FAMILIES.items()}


def load(folder: Path, **values: Any) -> Generator:
    return load_generator("mine", section("diffusers", path=folder, **values))


def pixels(drawings: list[Image.Image | Refused]) -> list[bytes]:
    assert all(isinstance(drawing, Image.Image) for drawing in drawings), drawings
    return [drawing.tobytes() for drawing in drawings if isinstance(drawing, Image.Image)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_draws_by_prompt_and_seed_alone(family: str, pipelines: dict[str, Path]) -> None:
    generator = load(pipelines[family], **FAMILIES[family][1])
    whole = pixels(generator.draw(PROMPTS, SEEDS))
    assert pixels(generator.draw(PROMPTS[::-1], SEEDS[::-1])) == whole[::-1]
    assert len({*whole, *pixels(generator.draw(["pear", "apple"], [4, 1]))}) == 5


@pytest.mark.parametrize("family", FAMILIES)
def test_a_drawing_is_what_the_pipeline_itself_draws(family: str, pipelines: dict[str, Path]) -> None:
    import torch
    from diffusers import DiffusionPipeline

    values = FAMILIES[family][1]
    pipeline = DiffusionPipeline.from_pretrained(pipelines[family], local_files_only=True)
    made = pipeline(
        "pear", num_inference_steps=values["steps"], guidance_scale=values["guidance"],
        generator=torch.Generator().manual_seed(7),
    ).images[0]  # fmt: skip
    assert pixels(load(pipelines[family], **values).draw(["pear"], [7])) == [made.tobytes()]


@pytest.mark.parametrize("family", FAMILIES)
def test_batches_draw_nearly_the_same(family: str, pipelines: dict[str, Path]) -> None:
    one = load(pipelines[family], **FAMILIES[family][1])
    many = load(pipelines[family], batch=2, **FAMILIES[family][1])
    assert many.revision != one.revision
    for first, second in zip(one.draw(PROMPTS, SEEDS), many.draw(PROMPTS, SEEDS), strict=True):
        assert np.abs(np.asarray(first, int) - np.asarray(second, int)).max() <= 1


def test_size_precision_and_negative_prompt_reach_the_pipeline(pipelines: dict[str, Path]) -> None:
    plain = load(pipelines["sd3"], steps=2)
    wide = load(pipelines["sd3"], steps=2, width=32, height=8)
    [drawing] = wide.draw(["pear"], [1])
    assert isinstance(drawing, Image.Image)
    assert drawing.size == (32, 8)
    assert wide.settings == {"steps": 2, "guidance": 3.0, "width": 32, "height": 8}
    assert wide.revision == plain.revision
    other = load(pipelines["sd3"], steps=2, negative="fruit")
    assert pixels(other.draw(["pear"], [1])) != pixels(plain.draw(["pear"], [1]))
    half = load(pipelines["sd3"], steps=2, precision="bf16")
    assert half.revision != plain.revision
    assert pixels(half.draw(["pear"], [1])) != pixels(plain.draw(["pear"], [1]))


def test_a_prompt_that_would_be_cut_is_refused_and_the_others_of_its_batch_are_drawn(
    pipelines: dict[str, Path],
) -> None:
    generator = load(pipelines["sdxl"], steps=1, guidance=0.0, batch=4)
    long, blank, good = generator.draw(["pear " * 40, " ", "pear"], [1, 2, 3])
    assert long == Refused("the prompt has 162 tokens and the pipeline reads 77; shorten the phrase")
    assert blank == Refused("the prompt has no words")
    assert isinstance(good, Image.Image)


def test_the_longest_text_encoder_decides_what_is_cut(pipelines: dict[str, Path]) -> None:
    """SD3 reads 77 tokens with CLIP and 256 with T5, whose tokenizer would take more."""
    fits, long = load(pipelines["sd3"], steps=2).draw(["pear" * 40, "pear" * 80], [1, 2])
    assert isinstance(fits, Image.Image)
    assert long == Refused("the prompt has 321 tokens and the pipeline reads 256; shorten the phrase")


def test_what_spoils_a_batch_is_refused_alone(pipelines: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    generator = load(pipelines["sdxl"], steps=1, guidance=0.0, batch=3)
    pipeline = generator._load()  # type: ignore[attr-defined]
    encode = type(pipeline).encode_prompt

    def fails(self: Any, prompt: list[str], *args: Any, **more: Any) -> Any:
        if "apple" in prompt:
            raise RuntimeError("no such fruit")
        return encode(self, prompt, *args, **more)

    monkeypatch.setattr(type(pipeline), "encode_prompt", fails)
    first, second, third = generator.draw(PROMPTS, SEEDS)
    assert second == Refused("RuntimeError: no such fruit")
    assert isinstance(first, Image.Image)
    assert isinstance(third, Image.Image)


def test_too_little_memory_ends_the_run_with_advice(
    pipelines: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    generator = load(pipelines["sdxl"])

    def fails(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    monkeypatch.setattr(type(generator._load()), "encode_prompt", fails)  # type: ignore[attr-defined]
    with pytest.raises(FieldguideError, match=r"generators.mine: the memory of cpu is too small .*`offload: model`"):
        generator.draw(["pear"], [1])


def test_numbers_that_are_not_finite_are_refused(pipelines: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(pipelines["flux"], tmp_path / "p")
    path = tmp_path / "p" / "vae" / "diffusion_pytorch_model.safetensors"
    values = load_file(path)
    values["decoder.conv_out.bias"] = torch.full_like(values["decoder.conv_out.bias"], float("nan"))
    save_file(values, path)
    drawn = load(tmp_path / "p", **FAMILIES["flux"][1]).draw(["pear"], [1])
    assert drawn == [Refused("the network's output is not finite")]
    values["decoder.conv_out.weight"] *= 0
    values["decoder.conv_out.bias"] = torch.full_like(values["decoder.conv_out.bias"], -1.0)
    save_file(values, path)
    drawn = load(tmp_path / "p", **FAMILIES["flux"][1]).draw(["pear"], [1])
    assert drawn == [Refused("the drawing is of one plain colour")]


def test_revision_follows_what_the_pipeline_reads_and_nothing_else(pipelines: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(pipelines["flux"], folder)
    before = load(folder).revision
    (folder / "flux1-schnell.safetensors").write_bytes(b"the same model as one file, for other programs")
    (folder / "README.md").write_text("hello")
    assert load(folder).revision == before == load(pipelines["flux"]).revision
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text() + "\n")
    assert load(folder).revision != before


def test_a_repository_of_the_hub_is_the_folder_it_was_made_of(
    pipelines: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    commit = "0123456789abcdef0123456789abcdef01234567"
    here = tmp_path / "models--someone--flux"
    shutil.copytree(pipelines["flux"], here / "snapshots" / commit)
    (here / "refs").mkdir()
    (here / "refs" / "main").write_text(commit)
    vae = here / "snapshots" / commit / "vae"
    (vae / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"the same in half precision, for others")
    there = load_generator("mine", section("diffusers", hub="someone/flux", **FAMILIES["flux"][1]))
    local = load(pipelines["flux"], **FAMILIES["flux"][1])
    assert there.revision == local.revision
    assert pixels(there.draw(["pear"], [1])) == pixels(local.draw(["pear"], [1]))
    with pytest.raises(FieldguideError, match=r"generators.mine.hub: no/such: model_index.json is not in this machine"):
        load_generator("mine", section("diffusers", hub="no/such"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs one of path, hub; it has none"),
        ({"path": "a", "hub": "b/c"}, "needs one of path, hub; it has path and hub"),
        ({"path": "a", "hub_revision": "main"}, "hub_revision has a meaning only for a repository of the hub"),
        ({"path": "a", "width": 30}, "width"),
    ],
)
def test_a_section_that_does_not_fit_is_told(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        section("diffusers", **values)


def test_a_device_that_is_not_there_is_told(pipelines: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(FieldguideError, match=r"mine.device is cuda, which torch does not find here; it finds cpu"):
        load(pipelines["flux"], device="cuda")
    with pytest.raises(FieldguideError, match=r"generators.mine.offload is model; it needs a device other than cpu"):
        load(pipelines["flux"], device="auto", offload="model")


def test_what_a_pipeline_does_not_take_is_told(pipelines: dict[str, Path]) -> None:
    with pytest.raises(FieldguideError, match=r"FluxPipeline takes no negative prompt; leave `negative` empty"):
        load(pipelines["flux"], negative="blurred").draw(["pear"], [1])


def test_a_pipeline_that_draws_from_images_is_told(pipelines: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(pipelines["sd3"], folder)
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace('"StableDiffusion3Pipeline"', '"StableDiffusion3Img2ImgPipeline"'))
    with pytest.raises(FieldguideError, match="StableDiffusion3Img2ImgPipeline does not draw from a prompt alone"):
        load(folder).draw(["pear"], [1])


def test_an_index_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("[]")
    with pytest.raises(FieldguideError, match=r"model_index.json: not the index of a pipeline; expected an object"):
        load(tmp_path)
