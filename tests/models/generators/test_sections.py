"""Sections of generators: validated by kind, and in words."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from fieldguide.core.errors import ProblemsError
from fieldguide.params import parse_params
from tests.conftest import REPOSITORY
from tests.models.generators.sections import section

PIPELINE = {"path": "p", "steps": 4, "guidance": 0}
IMAGES = {"base_url": "http://127.0.0.1/v1", "model": "m"}


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("flow-matching", {"path": "p", "text": "t", "steps": 10, "guidance": 3}, "10 steps, guidance 3"),
        ("diffusers", PIPELINE, "4 steps, guidance 0, fp32"),
        (
            "diffusers",
            {**PIPELINE, "width": 512, "height": 256, "negative": "blur", "precision": "bf16"},
            "4 steps, guidance 0, 512 x 256 pixels, without 'blur', bf16",
        ),
        (
            "ip-adapter",
            {**PIPELINE, "adapter": "a", "references": 2},
            "4 steps, guidance 0, fp32, after up to 2 photographs of the entity, scale 0.6",
        ),
        ("openai-images", IMAGES, "m, 1024x1024"),
        (
            "openai-images",
            {**IMAGES, "quality": "low", "options": {"steps": 4}},
            "m, 1024x1024, quality low, steps: 4",
        ),
    ],
)
def test_a_section_says_how_it_draws(kind: str, values: dict[str, Any], words: str) -> None:
    assert section(kind, **values).description == words


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kind": "diffusers"}, "generators.mine: Value error, needs one of path, hub; it has none"),
        ({"kind": "flow-matching", "path": "p"}, "generators.mine.text: Field required"),
        ({"kind": "diffusers", "path": "p", "scale": 1}, "generators.mine.scale: unknown key; allowed: batch, device,"),
        (
            {"kind": "difusers"},
            "kind 'difusers' is none of 'diffusers', 'flow-matching', 'ip-adapter', 'openai-images'",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_its_key(values: dict[str, Any], problem: str) -> None:
    whole = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    whole["generators"]["mine"] = values
    with pytest.raises(ProblemsError) as error:
        parse_params(whole)
    assert problem in str(error.value)
