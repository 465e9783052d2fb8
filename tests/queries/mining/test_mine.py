import json
from pathlib import Path

import numpy as np
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import sha256_file
from fieldguide.core.paths import Paths
from fieldguide.queries.mining.mine import MineSummary, mine
from fieldguide.queries.mining.section import Mine
from fieldguide.records.embeddings import write_embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ATTRIBUTES, GROUPS
from fieldguide.records.knowledge import ENTITIES as ENTITY_TABLE
from fieldguide.records.topics import read_refusals

PARAMS = Mine.model_validate({"encoder": "tiny", "min_score": 0.5, "wordnet": "data/input/wordnet/glosses.jsonl"})
# entity_id: direction of its photographs, train and gallery photographs.
ENTITIES = {
    "fuji": ([1.0, 0.1, 0.0], 2, 2),
    "gala": ([1.0, 0.0, 0.1], 2, 2),
    "anjou": ([0.0, 1.0, 0.0], 2, 0),
    "bosc": ([0.0, 0.9, 0.2], 0, 1),
    "plum": ([0.0, 0.0, 1.0], 0, 0),
}
GENUS = {"fuji": "Malus", "gala": "Malus", "anjou": "Malus", "bosc": "Pyrus", "plum": "Prunus"}


def benchmark(root: Path) -> Paths:
    """Five entities, of which one has no gallery photographs, one no train photographs, one none at all."""
    paths = Paths(root)
    rows = []
    for entity, (_, train, gallery) in ENTITIES.items():
        rows += [(entity, "train")] * train + [(entity, "gallery")] * gallery
    images, vectors = [], []
    for number, (entity, split) in enumerate([*rows, (None, "gallery")]):
        identity = f"{number:016x}"
        images.append(
            {
                "image_id": identity,
                "sha256": identity * 4,
                "phash": identity,
                "width": 9,
                "height": 9,
                "format": "PNG",
                "entity_id": entity,
                "split": split,
                "source": "shop",
                "source_key": identity,
                "licence": None,
                "attribution": None,
                "copies": 1,
                "near_duplicate_of": None,
                "shard": "0.tar",
                "offset": 0,
                "size": 1,
            }
        )
        vectors.append(ENTITIES[entity][0] if entity else [0.0, 0.0, 1.0])
    IMAGES.write(paths.images, IMAGES.frame(images))
    write_embeddings(
        paths.embeddings("tiny"),
        [("image", row["image_id"]) for row in images],
        [(np.arange(len(images)), np.array(vectors, dtype=np.float32))],
        encoder="tiny",
        revision="r",
        dtype="float32",
        dimension=3,
    )
    paths.knowledge.mkdir(parents=True)
    knowledge = [
        {
            "entity_id": e,
            "name": e.title(),
            "taxonomy": ["fruit", "Rosaceae", GENUS[e], e],
            "description": f"A {e} fruit.",
            "wordnet": "fuji" if e == "fuji" else None,
        }
        for e in ENTITIES
    ]
    (paths.knowledge / "entities.jsonl").write_text("\n".join(map(json.dumps, knowledge)), encoding="utf-8")
    (paths.knowledge / "attributes.csv").write_text(
        "entity_id,feature,part,value,evidence\nfuji,colour,skin,red,seen\nplum,colour,skin,blue,seen\n",
        encoding="utf-8",
    )
    (paths.knowledge / "features.yaml").write_text(
        "colour: {part: skin, of_whole: true, values: [red, green]}", encoding="utf-8"
    )
    gloss = {
        "synset": "fuji.n.01",
        "lemmas": ["fuji"],
        "gloss": "a green fruit",
        "hypernym_path": ["fruit.n.01", "fuji.n.01"],
    }
    (paths.input / "wordnet").mkdir(parents=True)
    (paths.input / "wordnet" / "glosses.jsonl").write_text(json.dumps(gloss), encoding="utf-8")
    return paths


def test_writes_entities_attributes_groups_and_refusals(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    summary = mine(PARAMS, paths)
    assert ENTITY_TABLE.read(paths.entities)["entity_id"].tolist() == ["anjou", "bosc", "fuji", "gala"]
    assert ATTRIBUTES.read(paths.attributes)[["entity_id", "value"]].to_numpy().tolist() == [["fuji", "red"]]
    groups = GROUPS.read(paths.groups).set_index("group_id")
    assert groups["accepted"].to_dict() == {"anjou+fuji": False, "anjou+gala": False, "fuji+gala": True}
    assert groups.loc["anjou+fuji", "reason"].startswith("no photographs of Anjou in the gallery; share Malus")
    assert groups.loc["fuji+gala", "visual"] > groups.loc["anjou+fuji", "visual"]
    refused = {(r.what, r.reason) for r in read_refusals(paths.refused_knowledge)}
    assert refused == {
        ("bosc", "no-train-photographs"),
        ("plum", "no-photographs"),
        ("fuji colour = green (wordnet)", "contradicts-curated"),
    }
    assert summary.accepted == {2: 1}
    assert any("no image of the corpus shows Plum" in line for line in summary.lines())


def test_the_gallery_has_no_say_in_visual_similarity(tmp_path: Path) -> None:
    first, second = benchmark(tmp_path / "1"), benchmark(tmp_path / "2")
    images = IMAGES.read(second.images)
    gallery = (images["split"] == "gallery").to_numpy()
    vectors = np.where(
        gallery[:, None], [[0.0, 0.0, 1.0]], [ENTITIES[e][0] if e else [0, 0, 1] for e in images["entity_id"]]
    )
    write_embeddings(
        second.embeddings("tiny"),
        [("image", image) for image in images["image_id"]],
        [(np.arange(len(images)), vectors)],
        encoder="tiny",
        revision="r",
        dtype="float32",
        dimension=3,
    )
    for paths in (first, second):
        mine(PARAMS, paths)
    assert sha256_file(first.groups) == sha256_file(second.groups)


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    hashes = []
    for _ in range(2):
        mine(PARAMS, paths)
        files = (paths.entities, paths.attributes, paths.groups, paths.refused_knowledge)
        hashes.append([sha256_file(path) for path in files])
    assert hashes[0] == hashes[1]


def test_images_of_entities_nobody_described_are_all_told(tmp_path: Path) -> None:
    paths = benchmark(tmp_path)
    path = paths.knowledge / "entities.jsonl"
    lines = [line for line in path.read_text().splitlines() if '"gala"' not in line and '"bosc"' not in line]
    path.write_text("\n".join(lines))
    with pytest.raises(ProblemsError) as caught:
        mine(PARAMS, paths)
    assert "1 images show 'bosc', which entities.jsonl lacks" in str(caught.value)
    assert "4 images show 'gala', which entities.jsonl lacks" in str(caught.value)


def test_weights_that_are_all_zero_are_refused(tmp_path: Path) -> None:
    params = PARAMS.model_copy(
        update={"weights": PARAMS.weights.model_copy(update=dict.fromkeys(("taxonomic", "lexical", "visual"), 0.0))}
    )
    with pytest.raises(FieldguideError, match=r"params.yaml: mine.weights: all are 0; at least one must be greater"):
        mine(params, Paths(tmp_path))


def test_nothing_mined_reads_as_nothing() -> None:
    assert MineSummary(0, {}, {}, 0, ()).lines() == [
        "0 entities, 0 attributes (none)",
        "groups accepted: none; refused: 0",
    ]
