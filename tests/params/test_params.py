"""params.yaml: what is wrong is told all at once, with key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.params import Params, parse_params, read_params
from fieldguide.params.defaults import filled, unstated
from fieldguide.params.document import left_out
from fieldguide.params.usable import unusable
from fieldguide.retrieval.systems.sections.baselines import RandomSystem
from fieldguide.retrieval.systems.sections.comparing import VisretSystem
from tests.conftest import REPOSITORY


@pytest.fixture
def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    return loaded


def problems(values: Any) -> dict[str, str]:
    with pytest.raises(ProblemsError) as caught:
        parse_params(values)
    return {p.where.removeprefix("params.yaml: "): p.what for p in caught.value.problems}


def test_the_repositorys_own_params_are_valid() -> None:
    params = read_params(REPOSITORY / "params.yaml")
    assert isinstance(params.system("random"), RandomSystem)
    assert isinstance(params.system("visret"), VisretSystem)
    with pytest.raises(FieldguideError, match=r"no 'vizret'; params.yaml has random, "):
        params.system("vizret")


def test_unknown_keys_name_the_allowed_ones(values: dict[str, Any]) -> None:
    values["pool"]["dept"] = 3
    values["systems"]["visret"]["fuson"] = "rrf"
    values["ingest"]["sources"][0]["columns"]["bites"] = "x"
    values["polo"] = {}
    found = problems(values)
    assert found["pool.dept"] == "unknown key; allowed: depth, sample, seed, systems"
    allowed = "c, centre, encoder, fusion, images, kind, preset, reach"
    assert found["systems.visret.fuson"] == f"unknown key; allowed: {allowed}"
    assert "allowed: attribution, bytes, entity" in found["ingest.sources.0.columns.bites"]
    assert "pool" in found["polo"]


def test_values_out_of_range_are_told_with_what_was_found(values: dict[str, Any]) -> None:
    values["pool"]["depth"] = -3
    values["evaluate"]["confidence"] = 95
    values["systems"]["visret"]["fusion"] = "borda"
    values["systems"]["random"]["kind"] = "rnd"
    del values["release"]["licence"]
    found = problems(values)
    assert found["pool.depth"] == "Input should be greater than or equal to 1 (found -3)"
    assert found["evaluate.confidence"] == "Input should be less than 1 (found 95)"
    assert found["systems.visret.fusion"] == "Input should be 'rrf', 'mean' or 'max' (found 'borda')"
    assert "'run', 'text', 'visret', 'weimocir'" in found["systems.random"]
    assert found["release.licence"] == "Field required"


def test_names_that_point_nowhere_are_told(values: dict[str, Any]) -> None:
    values["embed"]["encoders"] = ["mobilenetv2", "clip"]
    values["visualize"]["generator"] = "flux"
    values["pool"]["systems"] = ["visret", "bm25"]
    values["evaluate"]["baseline"] = "bm25"
    values["systems"]["visret-mean"]["images"] = 9
    found = problems(values)
    assert found["embed.encoders.1"] == "'clip' is not in encoders; allowed: conse, mobilenetv2, text-tower"
    assert found["visualize.generator"] == "'flux' is not in generators; allowed: flow-matching"
    assert "pool.systems.1" in found
    assert "evaluate.baseline" in found
    assert found["systems.visret-mean.images"] == "is 9; allowed: 1 to 3 (visualize.images)"


def test_chat_needs_an_endpoint(values: dict[str, Any]) -> None:
    values["compose"]["composer"] = "chat"
    assert problems(values) == {"compose.chat": "is empty; `chat` needs base_url and model"}


def test_the_headline_must_be_measured(values: dict[str, Any]) -> None:
    values["evaluate"]["headline"] = "ERR@10"
    assert "headline 'ERR@10' is not among measures" in problems(values)["evaluate"]


def test_compared_measures_must_be_measured_and_the_headline_always_is_compared(values: dict[str, Any]) -> None:
    values["evaluate"]["compare"] = ["AP", "nDCG@10"]
    assert parse_params(values).evaluate.compared == ["nDCG@10", "AP"]
    values["evaluate"]["compare"] = ["ERR@10"]
    assert "compare 'ERR@10' is not among measures" in problems(values)["evaluate"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "not valid YAML"), ("- a", "expected sections such as `ingest:`, found list"), ("", "found NoneType")],
)
def test_a_file_that_is_no_params_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(FieldguideError, match=message):
        read_params(tmp_path / "params.yaml")


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="no such file; run from the root of a benchmark's repository"):
        read_params(tmp_path / "params.yaml")


def test_params_do_not_change_once_read() -> None:
    params = read_params(REPOSITORY / "params.yaml")
    assert isinstance(params, Params)
    with pytest.raises(ValueError, match="frozen"):
        params.pool.depth = 1  # type: ignore[misc]


def test_parts_of_a_system_are_told_by_their_place(values: dict[str, Any]) -> None:
    parts = values["systems"]["late-fusion"]["parts"]
    parts[0]["encodr"] = "conse"
    parts[1]["fusion"] = "borda"
    found = problems(values)
    assert found["systems.late-fusion.parts.0.encodr"] == "unknown key; allowed: c, encoder, fusion, kind, query"
    assert found["systems.late-fusion.parts.1.fusion"].endswith("(found 'borda')")


def test_encoders_and_drawings_of_parts_are_held_against_the_file(values: dict[str, Any]) -> None:
    parts = values["systems"]["late-fusion"]["parts"]
    parts[0]["encoder"], parts[1]["images"] = "clip", 4
    values["caption"]["captioner"] = "blip"
    values["recompose"]["recomposer"] = "chat"
    found = problems(values)
    assert found["systems.late-fusion.parts.0.encoder"].startswith("'clip' is not in encoders; allowed: conse")
    assert found["systems.late-fusion.parts.1.images"] == "is 4; allowed: 1 to 3 (visualize.images)"
    assert found["caption.captioner"] == "'blip' is not in captioners; allowed: classes"
    assert found["recompose.chat"] == "is empty; `chat` needs base_url and model"


def test_a_system_may_have_the_name_of_a_kind(values: dict[str, Any]) -> None:
    values["systems"]["text"] = {"kind": "visret", "encoder": "mobilenetv2", "fuson": "rrf"}
    assert "systems.text.fuson" in problems(values)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("ingest", "shards"), True, "Input should be a valid integer (found True)"),
        (("ingest", "shards"), 10**8, "less than or equal to 100000"),
        (("retrieve", "depth"), 10**11, "less than or equal to 1000000000"),
        (("evaluate", "confidence"), float("nan"), "finite number"),
        (("adjudicate", "guideline"), False, "Input should be a valid string"),
    ],
)
def test_what_yaml_takes_for_a_number_and_is_none_is_told(
    values: dict[str, Any], place: tuple[str, str], value: Any, words: str
) -> None:
    values[place[0]][place[1]] = value
    with pytest.raises(ProblemsError) as caught:
        parse_params(values)
    assert [str(p) for p in caught.value.problems if p.where.endswith(".".join(place)) and words in p.what]


def test_infinite_guidance_is_told(values: dict[str, Any]) -> None:
    name = next(n for n, g in values["generators"].items() if g["kind"] == "flow-matching")
    values["generators"][name]["guidance"] = float("inf")
    with pytest.raises(ProblemsError, match=f"generators.{name}.guidance: Input should be a finite number"):
        parse_params(values)


@pytest.mark.parametrize(
    "place", [("retrieve", "systems"), ("pool", "systems"), ("embed", "encoders"), ("annotate", "assessors")]
)
def test_what_is_listed_twice_is_told(values: dict[str, Any], place: tuple[str, str]) -> None:
    listed = values[place[0]][place[1]]
    listed.append(listed[0])
    with pytest.raises(ProblemsError, match=f"{'.'.join(place)}: .*{listed[0]!r} stands there more than once"):
        parse_params(values)


@pytest.mark.parametrize("key", ["name", "path"])
def test_two_sources_of_one_name_or_path_are_told(values: dict[str, Any], key: str) -> None:
    sources = values["ingest"]["sources"]
    sources.append(sources[0] | {"name": "another", "path": "another", key: sources[0][key]})
    with pytest.raises(ProblemsError, match=f"two sources have the {key} "):
        parse_params(values)


def test_what_no_library_can_use_is_told_before_anything_runs(values: dict[str, Any]) -> None:
    values["evaluate"] |= {"measures": ["nDCG@10", "nDGC@5"], "headline": "nDCG@10"}
    values["fitness"] = {"measure": "RBP(p=0.8)"}
    values["rewrite"] |= {"template": "a photo of {entity} in {colour}", "expansions": ["{part} of it"]}
    values["recompose"] = {"template": "{phrase}"}
    found = [str(problem) for problem in unusable(parse_params(values))]
    assert len(found) == 5, found
    wanted = ("nDGC@5", "RBP", "{colour}", "no {entity}", "no {caption}")
    assert all(words in problem for problem, words in zip(found, wanted, strict=True)), found


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("ingest: \u00e4\n".encode("latin-1"), r"params.yaml:1: byte 0xe4 is no UTF-8; save the file as UTF-8"),
        ("ingest: a\n".encode("utf-16"), r"params.yaml:1: is UTF-16 text; save the file as UTF-8"),
        (b"a: 1\nb: [1,\nc: 2\n", r"params.yaml:4: not valid YAML"),
        (b"a: 1\nb: \x01\n", r"params.yaml:2: not valid YAML: holds the character"),
        (b"[" * 10_000, r"params.yaml.*: not valid YAML"),
        (b"a: " + b"1" * 5000 + b"\n", r"params.yaml.*: not valid YAML: Exceeds the limit"),
        (b"a: {b: 1}\nc: 2\na: {b: 1, b: 2}\n", r"(?s)stand twice.*params.yaml:3: 'a' is there already, at line 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "params.yaml").write_bytes(data)
    with pytest.raises(FieldguideError, match=words) as caught:
        read_params(tmp_path / "params.yaml")
    assert "unicode string" not in str(caught.value)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="is a folder; expected a file"):
        read_params(tmp_path)


def test_without_a_generator_systems_that_look_at_drawings_are_left_out(values: dict[str, Any]) -> None:
    values["visualize"]["generator"] = None
    params = parse_params(values)
    left_out = set(params.drawing_systems())
    assert {"visret", "cletir", "adaptive"} <= left_out  # adaptive: by what it is made of
    assert set(params.retrieve.systems) == set(values["retrieve"]["systems"]) - left_out
    assert set(params.pool.systems) == set(values["pool"]["systems"]) - left_out
    assert set(params.probe.systems) == set(values["probe"]["systems"]) - left_out
    assert params.visualize.drawn == 0
    again = yaml.safe_load(yaml.safe_dump(params.model_dump(mode="json")))  # as a release keeps it
    assert parse_params(again).retrieve == params.retrieve


@pytest.mark.parametrize(
    ("caption", "lack"),
    [
        ({"captioner": None, "twins": True}, "caption.captioner is null"),
        ({"captioner": "classes"}, "caption.twins is false"),
        ({"captioner": "classes", "twins": True}, None),
    ],
)
def test_systems_that_look_at_twins_are_left_out_where_none_are_drawn(
    values: dict[str, Any], caption: dict[str, Any], lack: str | None
) -> None:
    paracosm = {"kind": "paracosm", "encoder": "text-tower"}
    values["systems"]["fused"] = {"kind": "late-fusion", "parts": [paracosm, {"kind": "file-order"}]}
    values["retrieve"]["systems"] += ["fused"]
    values["caption"] = caption
    params = parse_params(values)
    told = f"looks at the photographs' twins, and {lack}"
    assert left_out(params) == ({"paracosm": told, "fused": told} if lack else {})
    assert ({"paracosm", "fused"} <= set(params.retrieve.systems)) == (lack is None)
    values["visualize"]["generator"] = None
    assert left_out(parse_params(values))["paracosm"] == "looks at drawings, and visualize.generator is null"


def test_what_rests_on_one_system_is_not_left_without_it(values: dict[str, Any]) -> None:
    values["visualize"]["generator"] = None
    values["evaluate"]["baseline"] = "visret"
    assert problems(values) == {
        "evaluate.baseline": "'visret' looks at drawings, and visualize.generator is null; name another system"
    }


def test_systems_whose_encoder_is_not_in_use_are_left_out(values: dict[str, Any]) -> None:
    values["embed"]["encoders"] = ["mobilenetv2", "text-tower"]
    values["evaluate"]["baseline"] = "phrase-trained"
    params = parse_params(values)
    out = left_out(params)
    assert out["captions"] == "needs encoder conse, which embed.encoders does not have"
    assert set(out) == {"text-zero-shot", "phrase-zero-shot", "captions"}
    assert not set(out) & {*params.retrieve.systems, *params.pool.systems, *params.probe.systems}
    values["evaluate"]["baseline"] = "captions"
    assert problems(values)["evaluate.baseline"].startswith("'captions' needs encoder conse")
    for section in ("retrieve", "pool", "answer"):
        values[section]["systems"] = ["captions"]
    assert problems(values)["pool.systems"].startswith("no system is left: captions needs encoder conse")


SMALL = {
    "ingest": {"sources": [{"name": "birds", "kind": "folder", "path": "birds"}]},
    "encoders": {
        "conse": {"kind": "conse", "weights": "w", "text": "t"},
        "mobilenetv2": {"kind": "mobilenetv2", "weights": "w"},
    },
    "families": ["baselines", "decompose", "visret", "cletir"],
    "release": {"name": "birds", "licence": "CC0-1.0", "description": "Birds."},
}


def test_a_small_file_has_everything() -> None:
    params = parse_params(SMALL)
    assert params.embed.encoders == ["mobilenetv2", "conse"]
    assert (params.mine.encoder, params.fidelity.encoder) == ("mobilenetv2", "mobilenetv2")
    assert params.retrieve.systems == ["decompose", "file-order", "phrase", "random", "text"]
    assert params.pool.systems == ["decompose", "phrase", "text"]
    ignorant = parse_params({**SMALL, "systems": {"same": {"kind": "constant"}}})
    assert ignorant.pool.systems == params.pool.systems
    assert params.evaluate.baseline == "text"
    assert params.report.title == "birds"
    assert set(left_out(params)) == {"visret", "visret-centred", "cletir", "cletir-average"}
    drawing = {
        "visualize": {"generator": "sd"},
        "generators": {"sd": {"kind": "diffusers", "path": "sd"}},
    }
    drawn = parse_params({**SMALL, **drawing})
    assert not left_out(drawn)
    assert drawn.train_cletir.systems == ["cletir"]


def test_what_is_stated_is_not_filled_in(values: dict[str, Any]) -> None:
    assert filled(values) == values
    own = {**SMALL, "systems": {"text": {"kind": "text", "encoder": "conse", "query": "phrase"}}}
    assert parse_params(own).systems["text"].query == "phrase"  # type: ignore[union-attr]


WRONG_TYPES = (
    None, [], {}, "text", 3, [3], [["a"]], {"encoders": [["a"]]}, {"a": {"kind": []}},
    {"a": {"kind": "cletir", "network": {}}},
)  # fmt: skip


@pytest.mark.parametrize("key", ["embed", "mine", "systems", "families", "encoders", "release", "retrieve"])
@pytest.mark.parametrize("value", WRONG_TYPES)
def test_what_is_of_a_wrong_type_is_refused_by_its_own_key_alone(key: str, value: Any) -> None:
    values = {**SMALL, key: value}
    if value == {} and key in ("embed", "mine", "systems", "retrieve"):  # all of it follows from other keys
        assert parse_params(values) == parse_params(SMALL)
        return
    expected = {key}
    if key == "families" and not value:  # then there are no systems; an empty list is no mistake of its own
        expected = {"systems"} if value == [] else {"families", "systems"}
    assert {where.partition(".")[0] for where in problems(values)} == expected


def test_a_wrong_section_is_told_beside_another_mistake() -> None:
    assert set(problems({**SMALL, "systems": [3], "release": {}})) == {
        "systems", "release.name", "release.licence", "release.description",
    }  # fmt: skip


def test_only_what_is_left_out_is_shown() -> None:
    full = {"a": {"b": 1, "c": 2}, "d": [1], "e": {}}
    assert unstated(full, {"a": {"b": 3}, "d": []}) == {"a": {"c": 2}, "e": {}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"embed": {"encoders": ["mobilenetv2", "nope"]}}, {"embed.encoders.1"}),
        ({"embed": {"encoders": []}}, {"embed.encoders"}),
        ({"embed": {"encoders": "conse"}}, {"embed.encoders"}),
        ({"families": []}, {"systems"}),
        ({"families": ["nope"]}, {"families.0"}),
        ({"encoders": {}}, {"encoders"}),
    ],
)
def test_what_follows_from_a_mistake_is_not_told_as_well(change: dict[str, Any], expected: set[str]) -> None:
    assert set(problems({**SMALL, **change})) == expected


def test_texts_are_encoded_by_a_kind_that_can() -> None:
    onnx = {"kind": "onnx", "weights": "w", "size": 32, "mean": [0.5] * 3, "std": [0.5] * 3}
    params = parse_params({**SMALL, "encoders": {"a": onnx, **SMALL["encoders"]}})  # type: ignore[dict-item]
    assert params.embed.encoders == ["a", "mobilenetv2", "conse"]
    assert params.systems["text"].encoders == {"encoder": "conse"}
