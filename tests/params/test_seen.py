"""What of the benchmark a system has seen follows from params.yaml."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from fieldguide.models.encoders.section import PluginEncoder
from fieldguide.models.generators.section import PluginGenerator
from fieldguide.params import parse_params
from fieldguide.params.seen import SEEN, seen
from tests.conftest import REPOSITORY

VISRET = {"kind": "visret", "encoder": "mobilenetv2"}
TEXT = {"kind": "text", "encoder": "conse", "query": "phrase"}
TRAINED = {**TEXT, "encoder": "text-tower"}
HUB = {"kind": "diffusers", "hub": "someone/something"}


@pytest.fixture
def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    return loaded


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ({"kind": "random", "seed": 1}, []),
        (TEXT, []),
        (TRAINED, ["photographs"]),
        (VISRET, ["photographs"]),  # its generator was trained on them
        ({**VISRET, "centre": "generic"}, ["photographs", "gallery"]),
        ({**VISRET, "centre": "topics"}, ["photographs", "queries", "gallery"]),
        ({**VISRET, "centre": "generic", "reach": 5}, ["photographs", "queries", "gallery"]),
        ({"kind": "late-fusion", "parts": [TEXT, TRAINED]}, ["photographs"]),
        ({"kind": "run", "file": "theirs.trec"}, ["unknown"]),
    ],
)
def test_a_system_has_seen_what_it_and_its_parts_were_made_with(
    values: dict[str, Any], section: dict[str, Any], found: list[str]
) -> None:
    values["systems"]["asked"] = section
    assert list(seen(parse_params(values), "asked")) == found


def test_drawings_of_a_generator_from_elsewhere_have_seen_nothing_here(values: dict[str, Any]) -> None:
    values["generators"]["other"] = HUB
    values["visualize"]["generator"] = "other"
    values["systems"]["asked"] = {**VISRET, "centre": "generic"}
    assert seen(parse_params(values), "asked") == ("gallery",)


def test_what_another_package_made_is_not_known(values: dict[str, Any]) -> None:
    params = parse_params(values)
    params.encoders["theirs"] = PluginEncoder.model_construct(kind="theirs")
    params.systems["asked"] = parse_params(values).systems["phrase-zero-shot"].model_copy(update={"encoder": "theirs"})
    assert seen(params, "asked") == ("unknown",)
    params.generators[params.visualize.generator] = PluginGenerator.model_construct(kind="theirs")
    assert seen(params, "visret") == ("unknown",)


def test_initials_differ() -> None:
    """The printed table has only those."""
    assert len({key[0] for key in SEEN}) == len(SEEN)
