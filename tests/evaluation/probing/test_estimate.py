"""What probes make a paid generator draw is told before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldguide.core.paths import Paths
from fieldguide.evaluation.probing.world import choose, draw_worlds, write_worlds
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.generators.registry import load_generator
from fieldguide.params import Params, parse_params
from fieldguide.runtime.estimates import estimates
from tests.builders import picture, tiny_benchmark, tiny_params
from tests.models.endpoint import endpoint, images


def paid(base_url: str, systems: list[str]) -> Params:
    values: dict[str, Any] = tiny_params().model_dump(mode="json", exclude_none=True)
    keys = {"base_url": base_url, "model": "m", "api_key_variable": "TEST_KEY", "retries": 0, "size": "16x16"}
    values["generators"]["paid"] = {"kind": "openai-images", "image_tokens": 1, **keys}
    values["visualize"]["generator"] = "paid"
    values["probe"] = {"systems": systems, "topics": 3, "depth": 10}
    return parse_params(values)


def probe_calls(params: Params, paths: Paths) -> list[int]:
    return [row.calls for row in estimates(params, paths, open_caller(paths.root)) if row.stage == "probe"]


def test_so_many_are_sent_as_were_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "k")
    with endpoint(lambda n, _: (200, images(picture(np.random.default_rng(n), 16), usage=(1, 2)))) as server:
        params, paths = paid(server.base_url, ["text", "visret"]), tiny_benchmark(tmp_path)
        (told,) = probe_calls(params, paths)
        assert server.requests == []
        generator = load_generator("paid", params.generators["paid"], paths.root)
        worlds = write_worlds(paths.root, choose(paths, params.probe.topics, params.probe.seed))
        draw_worlds(paths, worlds, params.visualize, generator)
        asked = {body["prompt"] for body in server.requests}
        assert probe_calls(params, paths) == [0]
    shuffled = {p for p in asked if not p.startswith("a photo of")}
    assert told == params.visualize.images * len(shuffled) > 0


def test_nothing_is_told_where_nothing_will_be_drawn(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    assert probe_calls(paid("http://127.0.0.1:9/v1", ["text", "random"]), paths) == []
    assert probe_calls(tiny_params(probe={"systems": ["visret"]}), paths) == []


def test_before_topics_are_there_the_most_is_told(tmp_path: Path) -> None:
    params = paid("http://127.0.0.1:9/v1", ["visret"])
    assert probe_calls(params, Paths(tmp_path)) == [3 * params.mine.max_entities * 4 * params.visualize.images]
