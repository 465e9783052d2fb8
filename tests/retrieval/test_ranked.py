"""The files by which later stages see how systems are set."""

from __future__ import annotations

from pathlib import Path

from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.retrieval.ranking.kept import write_ranked
from tests.builders import tiny_params


def test_one_more_system_is_news_to_what_ranks_and_not_to_what_probes_others(tmp_path: Path) -> None:
    paths, systems = Paths(tmp_path), tiny_params().systems

    def written(probed: list[str]) -> tuple[bytes, bytes]:
        write_ranked(paths, list(systems), systems, probed)
        return paths.ranked.read_bytes(), paths.probed.read_bytes()

    before = written(["text", "visret"])
    systems["text-phrase"] = systems["text"].model_copy(update={"query": "phrase"})
    more = written(["text", "visret"])
    assert more[0] != before[0]
    assert more[1] == before[1]
    systems["visret"] = systems["visret"].model_copy(update={"images": 1})
    assert written(["text", "visret"])[1] != before[1]
    assert written(["text"])[1] != before[1]
    assert read_json(paths.probed)["systems"]["text"] == read_json(paths.ranked)["systems"]["text"]
