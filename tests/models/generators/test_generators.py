from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.models.generators.flow_matching import sample
from fieldguide.models.generators.registry import load_generator
from fieldguide.models.loading.protocols import Generator, Refused
from fieldguide.models.networks.unet import UNet, UNetConfig
from tests.models.generators.sections import section

SPECS = {"flow-matching": {"path": "generator", "text": "minilm"}, "diffusers": {"path": "pipeline"}}
PROMPTS = ["a photo of red apple", "pear", "a photo of green fruit"]
SEEDS = [1, 2, 2**63 - 1]


def _load(kind: str, root: Path, **values: float) -> Generator:
    return load_generator("mine", section(kind, **{"steps": 2, "guidance": 2.0, **SPECS[kind], **values}), root)


@pytest.fixture(scope="module", params=SPECS)
def generator(request: pytest.FixtureRequest, weights: Path) -> Generator:
    return _load(request.param, weights)


def _pixels(drawings: list[Image.Image | Refused]) -> list[bytes]:
    assert all(isinstance(drawing, Image.Image) and drawing.mode == "RGB" for drawing in drawings), drawings
    return [drawing.tobytes() for drawing in drawings if isinstance(drawing, Image.Image)]


def test_a_drawing_does_not_depend_on_its_batch(generator: Generator) -> None:
    whole = _pixels(generator.draw(PROMPTS, SEEDS))
    assert _pixels(generator.draw(PROMPTS[::-1], SEEDS[::-1])) == whole[::-1]
    assert [_pixels(generator.draw([p], [s]))[0] for p, s in zip(PROMPTS, SEEDS, strict=True)] == whole


def test_a_drawing_depends_on_prompt_and_seed(generator: Generator) -> None:
    prompts, seeds = ["a photo of red apple", "a photo of red apple", "pear"], [1, 2, 1]
    assert len(set(_pixels(generator.draw(prompts, seeds)))) == 3


def test_a_drawing_depends_on_the_settings_which_name_them(weights: Path) -> None:
    for kind in SPECS:
        first, second = _load(kind, weights), _load(kind, weights, steps=3)
        assert first.revision == second.revision
        assert (first.settings["steps"], second.settings["steps"]) == (2, 3)
        assert _pixels(first.draw(PROMPTS, SEEDS)) != _pixels(second.draw(PROMPTS, SEEDS))


def test_revision_follows_the_bytes_of_the_weights(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    for kind, file in (("flow-matching", "generator/config.json"), ("diffusers", "pipeline/unet/config.json")):
        assert _load(kind, tmp_path).revision == _load(kind, weights).revision
        (tmp_path / file).write_text((tmp_path / file).read_text() + "\n")
        assert _load(kind, tmp_path).revision != _load(kind, weights).revision


def test_a_prompt_without_words_is_refused_and_the_others_are_drawn(weights: Path) -> None:
    first, second = _load("flow-matching", weights).draw([" ", "pear"], [1, 2])
    assert first == Refused("the prompt has no words")
    assert isinstance(second, Image.Image)


def test_numbers_that_are_not_finite_are_refused(weights: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "generator" / "model.safetensors"
    values = load_file(path)
    values["last.bias"] = torch.full_like(values["last.bias"], float("nan"))
    save_file(values, path)
    assert _load("flow-matching", tmp_path).draw(["pear"], [1]) == [Refused("the network's output is not finite")]


def test_what_a_pipeline_cannot_draw_is_refused(weights: Path) -> None:
    generator = _load("diffusers", weights, steps=2000)  # more steps than its scheduler was trained with
    (refused,) = generator.draw(["a photo"], [1])
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("ValueError: ")


def test_what_a_safety_checker_withholds_is_refused(weights: Path) -> None:
    generator = _load("diffusers", weights)
    pipeline = generator._load()  # type: ignore[attr-defined]
    pipeline.run_safety_checker = lambda image, device, dtype: (image, [True])
    assert generator.draw(["a photo"], [1]) == [Refused("withheld by the pipeline's safety checker")]


def test_a_pipeline_with_pickled_weights_only_is_refused(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights / "pipeline", tmp_path / "pipeline")
    (tmp_path / "pipeline" / "unet" / "diffusion_pytorch_model.safetensors").rename(
        tmp_path / "pipeline" / "unet" / "diffusion_pytorch_model.bin"
    )
    with pytest.raises(FieldguideError, match="diffusers cannot load this pipeline from safetensors"):
        _load("diffusers", tmp_path).draw(["a photo"], [1])


class _Knows:
    """Predicts one image whatever it is shown; counts how often it is asked."""

    config = UNetConfig(8, 2, (32,), (1,))

    def __init__(self) -> None:
        self.image = torch.linspace(-1, 1, 12 * 16).reshape(1, 12, 4, 4)
        self.times: list[float] = []

    def __call__(
        self, noisy: torch.Tensor, time: torch.Tensor, text: torch.Tensor, known: torch.Tensor
    ) -> torch.Tensor:
        assert noisy[0].equal(noisy[1])
        assert known.tolist() == [True, False]
        self.times.append(time[0].item())
        return self.image.expand(2, -1, -1, -1)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_solver_ends_at_the_image_the_network_predicts(steps: int) -> None:
    network = _Knows()
    drawn = sample(network, torch.zeros(1, 384), 3, steps, 2.0)  # type: ignore[arg-type]
    expected = torch.nn.functional.pixel_shuffle(network.image, 2)[0]
    torch.testing.assert_close(drawn, expected, atol=1e-5, rtol=0)
    assert len(network.times) == 2 * steps - 1
    assert max(network.times) < 1


def test_guidance_of_zero_ignores_the_text() -> None:
    torch.manual_seed(0)
    network = UNet(UNetConfig(16, 2, (32, 32), (1, 1), embedding=16)).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    texts = torch.nn.functional.normalize(torch.randn(2, 1, 384), dim=2)
    with torch.inference_mode():
        free = [sample(network, text, 1, 2, 0.0) for text in texts]
        told = [sample(network, text, 1, 2, 1.0) for text in texts]
    assert free[0].equal(free[1])
    assert not told[0].equal(told[1])


def test_a_size_that_does_not_divide_is_told() -> None:
    with pytest.raises(FieldguideError, match="size is 100 and channels 96; both have to be multiples of 32"):
        UNetConfig.for_images(100, 96)


def test_config_survives_json() -> None:
    config = UNetConfig.for_images(128, 96)
    assert UNetConfig.from_json(config.to_json()) == config
    assert config.size // config.patch == 32
