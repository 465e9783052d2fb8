"""What would stop a build before its drawings is told before it begins, all of it at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldguide.core.files import write_jsonl
from fieldguide.params import Params, parse_params, read_params
from fieldguide.params.ready import unready
from tests.conftest import REPOSITORY

HEADER = "entity_id,feature,part,value,evidence\n"


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Photographs of two animals and a landscape, two described animals, and the pipeline as far as its drawings."""
    for name in ("Lion/1.jpg", "Lion/2.JPG", "Tiger/1.png", "notes/readme.txt", ".cache/Lynx/1.jpg"):
        path = tmp_path / "data/input/photographs/zoo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"nobody decodes this")
    knowledge = tmp_path / "data/knowledge"
    knowledge.mkdir(parents=True)
    animals = [{"entity_id": n, "name": n, "taxonomy": ["animal", "cat", n]} for n in ("lion", "tiger")]
    write_jsonl(knowledge / "entities.jsonl", animals)
    (knowledge / "attributes.csv").write_text(HEADER)
    stages = {"ingest": {"cmd": "x", "deps": ["data/input/photographs"]}, "mine": {"cmd": "x"}, "check": {"cmd": "x"}}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    return tmp_path


def params(least: int = 1, **ingest: Any) -> Params:
    """The example's, with one source of the zoo."""
    values = read_params(REPOSITORY / "params.yaml").model_dump(mode="json")
    source = {"name": "zoo", "kind": "folder", "path": "data/input/photographs/zoo", "licence": "CC0-1.0", **ingest}
    values["ingest"] = {"sources": [source]}
    values["release"]["sources"] = {}
    values["mine"]["wordnet"] = None
    values["check"]["min_relevant"] = least
    return parse_params(values)


def told(zoo: Path, **ingest: Any) -> list[str]:
    return [str(problem).replace(f"{zoo}/", "") for problem in unready(params(**ingest), zoo)]


def with_stages(zoo: Path, *names: str) -> None:
    path = zoo / "dvc.yaml"
    pipeline = yaml.safe_load(path.read_text())
    pipeline["stages"] |= {name: {"cmd": "x"} for name in names}
    path.write_text(yaml.safe_dump(pipeline))


def test_what_is_complete_is_ready(zoo: Path) -> None:
    assert told(zoo) == []


def test_photographs_of_what_nobody_described_are_told_with_their_number(zoo: Path) -> None:
    write_jsonl(
        zoo / "data/knowledge/entities.jsonl", [{"entity_id": "lion", "name": "lion", "taxonomy": ["a", "lion"]}]
    )
    (found,) = told(zoo)
    assert found.startswith("tiger: 1 photographs show it, and entities.jsonl lacks it; describe it there, ")
    assert "`entities: null` for distractors" in found


def test_distractors_are_one_line(zoo: Path) -> None:
    (zoo / "data/input/photographs/zoo/Unknown").mkdir()
    (zoo / "data/input/photographs/zoo/Unknown/1.jpg").write_bytes(b"x")
    assert len(told(zoo)) == 1
    assert told(zoo, entities=None) == []


def test_a_licence_that_nobody_states_is_told_before_the_check_at_the_end(zoo: Path) -> None:
    (found,) = told(zoo, licence=None)
    assert "nobody states under which licence 3 photographs of it may be released" in found
    assert "check.unlicensed_sources" in found


def test_labels_of_a_table_are_read_without_its_photographs(zoo: Path) -> None:
    table = zoo / "data/input/photographs/m.csv"
    table.write_text("path,entity,licence\ngone.jpg,Lion,CC0-1.0\nb.jpg,Ocelot,\n")
    found = told(zoo, kind="manifest", path="data/input/photographs/m.csv", licence=None)
    assert len(found) == 2
    assert "licence 1 photographs of it" in found[0]
    assert found[1].startswith("ocelot: 1 photographs")


def test_everything_is_told_at_once(zoo: Path) -> None:
    (zoo / "data/knowledge/attributes.csv").write_text(HEADER + "lynx,coat,fur,spotted,seen\n")
    with_stages(zoo, "embed", "visualize", "caption", "adjudicate")
    found = told(zoo, path="data/input/photographs/nowhere")
    wanted = ("attributes.csv:2: entity_id 'lynx'", "nowhere: no such folder", "encoders.mobilenetv2.weights",
              "generators.flow-matching.path", "captioners.classes.weights",
              "annotation/gold.csv: no such file")  # fmt: skip
    assert [words for words in wanted if not any(words in line for line in found)] == []


def test_a_model_that_was_trained_on_others_is_refused_with_the_way_out(zoo: Path) -> None:
    with_stages(zoo, "visualize")
    folder = zoo / "data/models/generator"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    (folder / "config.json").write_text(json.dumps({"entities": ["anjou", "gala", "lion"]}))
    (found,) = [line for line in told(zoo) if "trained on" in line]
    assert found == (
        "generators.flow-matching: was trained on 3 entities (anjou, gala, lion) and knows no others: not tiger; "
        "take another one, or train one on your own photographs (`fieldguide train generator --dry-run`)"
    )
    (folder / "config.json").write_text(json.dumps({"entities": ["tiger", "lion"]}))
    assert [line for line in told(zoo) if "trained on" in line] == []


def test_entities_that_are_no_kin_are_told(zoo: Path) -> None:
    rows = [{"entity_id": n, "name": n, "description": "A cat.", "taxonomy": ["animal", n]} for n in ("lion", "tiger")]
    write_jsonl(zoo / "data/knowledge/entities.jsonl", rows)
    assert any("no two entities share the first two names of their `taxonomy`" in line for line in told(zoo))


def test_too_few_photographs_are_told_before_the_check_at_the_end(zoo: Path) -> None:
    found = told(zoo, least=2)
    assert len(found) == 1
    assert found[0].startswith("tiger: 1 photographs of the gallery show it, fewer than check.min_relevant, 2; ")
    assert told(zoo, least=2, split="train") == []  # nothing is asked of it


def test_every_mistake_of_a_first_walk_is_told_in_one_list(zoo: Path) -> None:
    """What stopped the first three benchmarks of animals, one after the other and after minutes each."""
    rows = ["lion,mane,head,present,seen", "tiger,mane,head,absent,seen", "lion,teats,teat,teated,seen"]
    (zoo / "data/knowledge/attributes.csv").write_text(HEADER + "\n".join(rows))
    (zoo / "data/input/photographs/zoo/Landscape").mkdir()
    (zoo / "data/input/photographs/zoo/Landscape/1.jpg").write_bytes(b"x")
    (zoo / "data/input/photographs/zoo/Lion/3.jpg").write_bytes(b"x")
    with_stages(zoo, "embed", "compose", "visualize", "caption", "adjudicate")
    folder = zoo / "data/models/generator"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    (folder / "config.json").write_text(json.dumps({"entities": ["anjou", "gala"]}))
    values = params(least=3, licence=None).model_dump(mode="json")
    values["mine"]["wordnet"] = "data/input/wordnet/glosses.jsonl"
    wanted = (
        "attributes.csv:2: `mane`: `has a present head` does not read; say in features.yaml",
        "attributes.csv:3: `mane`: `has an absent head` does not read",
        "attributes.csv:4: value 'teated' repeats part 'teat'",
        "licence 5 photographs of it may be released",
        "generators.flow-matching: was trained on 2 entities (anjou, gala)",
        "encoders.mobilenetv2.weights",
        "annotation/gold.csv: no such file",
        "landscape: 1 photographs show it, and entities.jsonl lacks it",
        "tiger: 1 photographs of the gallery show it, fewer than check.min_relevant, 3",
        "glosses.jsonl: no such file",
    )
    found = [str(problem).replace(f"{zoo}/", "") for problem in unready(parse_params(values), zoo)]
    assert [words for words in wanted if not any(words in line for line in found)] == [], found
