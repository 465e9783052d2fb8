"""What docs/encoders.md shows can be written in params.yaml as it stands."""

from __future__ import annotations

import re

import yaml

from fieldguide.models.encoders import openclip
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.retrieval.encoding.section import Embed
from tests.conftest import REPOSITORY
from tests.models.tiny_encoders import section

_TEXT = (REPOSITORY / "docs" / "encoders.md").read_text(encoding="utf-8")


def test_the_example_is_valid_and_its_model_is_published() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL)
    values = yaml.safe_load(block)
    made = {name: section(**one) for name, one in values["encoders"].items()}
    assert Embed.model_validate(values["embed"]).encoders == list(made)
    clip = made["clip"]
    assert openclip._published("encoders.clip", clip.architecture, clip.tag, None).id.startswith("laion/CLIP-ViT-L-14")


def test_every_kind_of_this_package_is_in_the_manual() -> None:
    rows = re.findall(r"^\| (`.*?) \|", _TEXT, re.MULTILINE)
    named = {kind for row in rows for kind in re.findall(r"`([a-z0-9_-]+)`", row)}
    assert named == {name for name in ENCODERS.names() if name not in ENCODERS._plugins()}
