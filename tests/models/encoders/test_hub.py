"""Repositories of the hub, from a cache laid out as huggingface_hub lays it out."""

from __future__ import annotations

import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.available import available_kinds
from fieldguide.models.encoders.registry import ENCODERS, load_encoder
from tests.models.encoders.test_providers import IMAGES, SPECS, load
from tests.models.tiny_encoders import section

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, offline."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def place(cache: Path, repository: str, folder: Path) -> None:
    """What `hf download` leaves behind."""
    here = cache / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, here / "snapshots" / COMMIT)
    (here / "refs").mkdir()
    (here / "refs" / "main").write_text(COMMIT)


@pytest.mark.parametrize("folder", ["clip", "open_clip", "qwen3-vl"])
def test_a_repository_is_the_folder_it_was_made_of(folder: str, cache: Path, published: Path) -> None:
    place(cache, "someone/model", published / folder)
    local = load(folder, published)
    for revision in (None, "main", COMMIT):
        there = load_encoder("mine", section(**SPECS[folder], hub="someone/model", hub_revision=revision))
        assert there.revision == local.revision
    assert there.encode_images(IMAGES).tobytes() == local.encode_images(IMAGES).tobytes()


def test_open_clips_architecture_and_tag_are_found_in_the_cache(cache: Path, published: Path) -> None:
    place(cache, "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", published / "open_clip")
    spec = section(kind="open_clip", architecture="ViT-B-32", tag="laion2b_s34b_b79k")
    assert load_encoder("mine", spec).revision == load("open_clip", published).revision


def test_what_is_not_in_the_cache_is_told_with_the_way_to_get_it(cache: Path, published: Path) -> None:
    spec = section(kind="clip", hub="someone/model", hub_revision="v1")
    with pytest.raises(ProblemsError) as error:
        load_encoder("mine", spec)
    assert str(error.value).splitlines()[1] == (
        "  encoders.mine.hub: someone/model: config.json is not in this machine's hub cache; "
        "`hf download someone/model --revision v1` fetches it, or unset HF_HUB_OFFLINE"
    )
    tag = section(kind="open_clip", architecture="ViT-B-32", tag="laion2b_s34b_b79k")
    with pytest.raises(FieldguideError, match=r"hub repository laion/CLIP-ViT-B-32-laion2B-s34B-b79K: .*hf download"):
        load_encoder("mine", tag)


def test_kinds_listed_by_name_need_no_repository(cache: Path) -> None:
    assert all(kind.usable for kind in available_kinds() if kind.kind in ENCODERS.able("image"))
