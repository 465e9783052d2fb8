from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.available import available_kinds
from fieldguide.models.encoders.registry import ENCODERS, load_encoder
from fieldguide.models.encoders.section import PluginEncoder
from fieldguide.models.generators.registry import load_generator
from fieldguide.models.generators.section import PluginGenerator
from fieldguide.params import read_params
from tests.conftest import REPOSITORY
from tests.models.tiny_encoders import section

PLUGIN = """
from fieldguide.models.encoders.registry import ENCODERS

@ENCODERS.register("{kind}", modules=("numpy",), files={{"weights": ()}}, modalities=("text",))
class Mine:
    dimension = 1
    def __init__(self, name, spec, root):
        self.name, self.path = name, root / spec.weights
"""


def install(folder: Path, kind: str, code: str) -> None:
    """A package with an entry point, as an installer leaves it."""
    module = f"plugin_{kind}"
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[fieldguide.encoders]\n{kind} = {module}\n")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ENCODERS.names()  # our own kinds register once a process: before the copy, not into it
    monkeypatch.setattr(ENCODERS, "_kinds", dict(ENCODERS._kinds))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_an_installed_package_adds_a_kind(plugins: Path) -> None:
    install(plugins, "shapes", PLUGIN.format(kind="shapes"))
    (plugins / "w").write_bytes(b"")
    assert "shapes" in ENCODERS.names()
    encoder = load_encoder("mine", section(kind="shapes", weights="w"), plugins)
    assert (encoder.name, encoder.path) == ("mine", plugins / "w")  # type: ignore[attr-defined]
    assert "shapes" in ENCODERS.able("text")


def test_a_package_that_fails_is_named_and_harms_no_other_kind(plugins: Path) -> None:
    install(plugins, "broken", "raise RuntimeError('no licence')")
    with pytest.raises(FieldguideError) as error:
        load_encoder("mine", section(kind="broken"), plugins)
    assert str(error.value) == (
        "encoders.mine.kind is 'broken', offered by plugin_broken, which fails: RuntimeError: no licence"
    )
    found = {kind.kind: kind for kind in available_kinds()}
    assert not found["broken"].usable
    assert "no licence" in found["broken"].reason
    assert found["mobilenetv2"].usable


def test_a_package_that_registers_another_kind_is_named(plugins: Path) -> None:
    install(plugins, "quiet", PLUGIN.format(kind="loud"))
    with pytest.raises(FieldguideError, match="is 'quiet', but plugin_quiet registers no such kind"):
        load_encoder("mine", section(kind="quiet"), plugins)


def test_one_kind_registered_twice_is_a_mistake(plugins: Path) -> None:
    with pytest.raises(ValueError, match="'conse' is registered twice"):
        ENCODERS.register("conse", modules=(), files={})(object)


def test_an_unknown_kind_is_told_with_those_there_are() -> None:
    with pytest.raises(FieldguideError) as error:
        load_encoder("mine", PluginEncoder.model_construct(kind="clop"))
    kinds = "clip, conse, dinov2, e5-v, mobilenetv2, onnx, open_clip, sentence-transformers, siglip, text-tower"
    assert str(error.value) == f"encoders.mine.kind is 'clop'; allowed: {kinds}"
    with pytest.raises(FieldguideError, match=r"generators.mine.kind is 'x'; allowed: diffusers, flow-matching"):
        load_generator("mine", PluginGenerator.model_construct(kind="x"))


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    inputs = Path("data/input/weights")
    values = {"weights": "mine.safetensors", "text": inputs / "minilm", "tower": "data/models/text-tower"}
    spec = section(kind="text-tower", **values)
    with pytest.raises(ProblemsError) as error:
        load_encoder("mine", spec, tmp_path)
    lines = str(error.value).splitlines()
    assert lines[0] == "the encoder 'mine' of params.yaml cannot be loaded:"
    assert "  encoders.mine.weights: mine.safetensors: no such file; paths are relative to params.yaml" in lines
    assert (
        f"  encoders.mine.text: {inputs}/minilm/config.json: no such file; "
        "`fieldguide weights` places the small networks of installed packages (`make data` the example's input)"
        in lines
    )
    assert (
        "  encoders.mine.tower: data/models/text-tower/model.safetensors: no such file; "
        "`git checkout data/models` where it was committed, else `fieldguide train --help`" in lines
    )
    assert len(lines) == 1 + 1 + 3 + 2


def test_a_package_that_is_not_installed_is_named(plugins: Path) -> None:
    ENCODERS.register("far", modules=("numpy", "no_such_package"), files={})(object)
    with pytest.raises(ProblemsError, match="kind far needs the package no_such_package; install it with pip"):
        load_encoder("mine", PluginEncoder.model_construct(kind="far"), plugins)


def test_kinds_of_params_come_with_what_they_lack(tmp_path: Path) -> None:
    params = read_params(REPOSITORY / "params.yaml")
    found = {
        (kind.role, kind.kind, kind.name): kind
        for kind in available_kinds(params.encoders, params.generators, params.captioners, tmp_path)
    }
    conse = found["encoder", "conse", "conse"]
    assert not conse.usable
    assert "encoders.conse.weights: data/input/weights/mobilenetv2.safetensors: no such file" in conse.reason
    assert found["encoder", "open_clip", None].usable
    assert found["generator", "diffusers", None].usable
    assert found["captioner", "chat", None].usable
    assert "captioners.classes.weights" in found["captioner", "classes", "classes"].reason


def test_listing_kinds_loads_no_model_library() -> None:
    code = (
        "import sys; from fieldguide.models.available import available_kinds; print(len(available_kinds()));"
        "heavy = ('torch', 'torchvision', 'transformers', 'diffusers', 'open_clip', 'sentence_transformers');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.split("\n")[:2] == ["17", "[]"]


def test_torchvision_can_be_imported_beside_this_torch() -> None:
    code = (
        "from fieldguide.models.loading.torchvision import declare_operators as d;"
        "assert d() == d(); import torchvision, torch;"
        "print(torchvision.models.mobilenet_v2, torch.ops.torchvision.nms)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert "torchvision.nms" in done.stdout


def test_operators_that_are_declared_already_are_left_alone() -> None:
    code = (
        "import torch; library = torch.library.Library('torchvision', 'DEF');"
        "library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor');"
        "from fieldguide.models.loading.torchvision import declare_operators; print(declare_operators())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.stdout.strip() == "False", done.stderr
