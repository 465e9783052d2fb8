"""What docs/generators.md shows can be written in params.yaml as it stands."""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import TypeAdapter

from fieldguide.core.section import Name
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.queries.visuals.drawing.section import Visualize
from tests.conftest import REPOSITORY

_TEXT = (REPOSITORY / "docs" / "generators.md").read_text(encoding="utf-8")


def _examples() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"generators": {}, "visualize": {}}
    for block in re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL):
        for part, values in yaml.safe_load(block).items():
            found[part] |= values
    return found


def test_every_example_is_a_valid_section() -> None:
    examples = _examples()
    made = TypeAdapter(dict[Name, AnyGenerator]).validate_python(examples["generators"])
    assert made["sdxl-turbo"].description == "1 steps, guidance 0, 512 x 512 pixels, fp16"
    assert made["local"].description == "flux, 1024x1024, num_inference_steps: 4"
    assert Visualize.model_validate(examples["visualize"]).generator in made


def test_every_kind_of_this_package_is_in_the_manual() -> None:
    own = {name for name in GENERATORS.names() if name not in GENERATORS._plugins()}
    assert own == set(re.findall(r"^\| `([a-z0-9-]+)` \|", _TEXT, re.MULTILINE))
