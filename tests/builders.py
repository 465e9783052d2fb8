"""A whole benchmark in miniature: every file of docs/data.md, small, consistent, the same on every call."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from fieldguide.annotation.judgments import labels, log
from fieldguide.annotation.judgments.adjudication import adjudicate, grade_definitions, write_qrels
from fieldguide.annotation.judgments.guidelines import DATASET_LABEL
from fieldguide.core.files import content_key, read_json, sha256_bytes, write_json, write_tar
from fieldguide.core.paths import Paths
from fieldguide.core.tables import Table
from fieldguide.params import Params, parse_params
from fieldguide.queries.rewriting.decomposing import components_of
from fieldguide.queries.visuals.drawing.twins import write_no_twins
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import text_key, write_embeddings
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ATTRIBUTES, GROUPS
from fieldguide.records.knowledge import ENTITIES as ENTITY_TABLE
from fieldguide.records.runs import RunLine, rank_images, write_run
from fieldguide.records.topics import Phrase, Refusal, Subtopic, Topic, topic_id, write_records
from fieldguide.retrieval.ranking.kept import write_ranked

ENTITIES = {
    "granny-smith": ("Granny Smith apple", ("fruit", "apple"), "green"),
    "red-delicious": ("Red Delicious apple", ("fruit", "apple"), "red"),
    "satsuma": ("satsuma", ("fruit", "citrus"), "orange"),
}
GENERIC_PROMPT = "a photo of fruit"
ENCODER = "tiny"
GENERATOR = "tiny-generator"
SYSTEMS = ("random", "text", "visret")
_TRAIN, _GALLERY, _MUSEUM, _DRAWINGS = 2, 5, 2, 2
_PHOTOGRAPHS = len(ENTITIES) * (_TRAIN + _GALLERY)


def tiny_params(**sections: dict[str, Any]) -> Params:
    """Parameters that fit `tiny_benchmark`; `sections` override single keys of a section."""
    values = yaml.safe_load((Path(__file__).parent.parent / "params.yaml").read_text(encoding="utf-8"))
    values |= {
        "encoders": {ENCODER: {"kind": "conse", "weights": "weights", "text": "text"}},
        "generators": {GENERATOR: {"kind": "flow-matching", "path": "generator", "text": "text"}},
        "answerers": {"prior": {"kind": "prior"}, "features": {"kind": "features", "encoder": ENCODER}},
        "systems": {
            "random": {"kind": "random", "seed": 1},
            "text": {"kind": "text", "encoder": ENCODER, "query": "question"},
            "visret": {"kind": "visret", "encoder": ENCODER, "images": _DRAWINGS},
        },
    }
    shop = {"name": "shop", "kind": "folder", "path": "data/input/shop"}
    museum = {"name": "museum", "kind": "folder", "path": "data/input/museum", "licence": "CC0-1.0"}
    changes: dict[str, dict[str, Any]] = {
        "ingest": {"sources": [shop, museum], "shards": 2},
        "release": {"sources": {}},
        "embed": {"encoders": [ENCODER]},
        "mine": {"encoder": ENCODER},
        "caption": {"twins": False},
        "visualize": {"generator": GENERATOR, "images": _DRAWINGS, "generic_prompts": [GENERIC_PROMPT]},
        "retrieve": {"systems": list(SYSTEMS), "depth": 10},
        "pool": {"systems": ["text", "visret"], "depth": 5, "sample": 2},
        "check": {"min_relevant": 1, "unlicensed_sources": ["shop"]},
        "evaluate": {"baseline": "text", "permutations": 200},
        "fitness": {"draws": 200},
        "fidelity": {"encoder": ENCODER},
        "train_cletir": {"systems": []},
        "probe": {"systems": []},
        "answer": {
            "answerers": ["prior"],
            "contexts": ["none", "gold", "swapped"],
            "systems": ["text", "visret"],
            "k": [1, 2],
            "orders": ["ranked"],
        },
    }
    for name, keys in [*changes.items(), *sections.items()]:
        values[name] = values[name] | keys
    return parse_params(values)


def tiny_benchmark(root: Path, params: Params | None = None) -> Paths:
    """Write everything up to the qrels below `root`; stages `check` and `evaluate` can run on it."""
    paths, params = Paths(root), params or tiny_params()
    rng = np.random.default_rng(0)
    images = _corpus(paths, rng)
    _knowledge(paths)
    topics = tiny_topics()
    write_records(paths.topics, topics)
    write_records(paths.refused_topics, [Refusal("Is it red?", "unknown-entity", "it names no entity")])
    phrases = [Phrase(s.subtopic_id, f"a photo of {ENTITIES[s.entity_id][0]}", "template") for s in _subtopics(topics)]
    write_records(paths.phrases, phrases)
    names = {entity: name for entity, (name, *_) in ENTITIES.items()}
    components = [c for s in _subtopics(topics) for c in components_of(s, names, params.decompose)]
    write_records(paths.components, components)
    drawings = _drawings(paths, sorted({phrase.text for phrase in phrases}), rng)
    write_no_twins(paths)
    _embed(paths.embeddings(ENCODER), [("image", image) for image in images], rng)
    queries = {("question", text_key(t.text)) for t in topics} | {("phrase", text_key(p.text)) for p in phrases}
    queries |= {("component", text_key(component.text)) for component in components}
    _embed(paths.queries(ENCODER), sorted(queries | {("drawing", drawing) for drawing in drawings}), rng)
    _runs_and_pools(paths, params, topics, rng)
    judged = log.write(
        paths.judgments,
        labels.judge(
            POOLS.read(paths.pools),
            {s.subtopic_id: s for s in _subtopics(topics)},
            IMAGES.read(paths.images),
        ),
    )
    decided = adjudicate(judged.entries, POOLS.read(paths.pools))
    write_qrels(paths.qrels, decided.qrels, grade_definitions([DATASET_LABEL], judged))
    return paths


def judge_whole_gallery(paths: Paths, pool_without: int) -> None:
    """As if labels had judged the whole gallery, and the pools lacked `pool_without` relevant images of each subtopic.

    The runs of the track rerank lose those images too.
    """
    qrels, pools = QRELS.read(paths.qrels / "qrels.parquet"), POOLS.read(paths.pools)
    relevant = qrels[qrels["grade"] > 0].groupby("subtopic_id", sort=True).head(pool_without)
    lost = set(zip(relevant["subtopic_id"], relevant["image_id"], strict=True))
    kept = [pair not in lost for pair in zip(pools["subtopic_id"], pools["image_id"], strict=True)]
    POOLS.write(paths.pools, pools[kept])
    for system in SYSTEMS:
        path = paths.run("rerank", system)
        lines = [line for line in path.read_text().splitlines() if (line.split()[0], line.split()[2]) not in lost]
        path.write_text("".join(f"{line}\n" for line in lines))
    grades = paths.qrels / "grades.json"
    write_json(grades, read_json(grades) | {"complete": True})


def tiny_topics() -> list[Topic]:
    """Two topics of each form with two answers, and one an entity."""
    granny, red, satsuma = ENTITIES
    made = [
        _topic("both", "Are both apples red?", (granny, red), "no"),
        _topic("both", "Do apple and satsuma have a skin?", (red, satsuma), "yes"),
        _topic("which", "Which apple is green?", (granny, red), ENTITIES[granny][0]),
        _topic("which", "Which is orange, apple or satsuma?", (red, satsuma), ENTITIES[satsuma][0]),
    ]
    made += [_topic("entity", f"What does a {name} look like?", (e,), name) for e, (name, *_) in ENTITIES.items()]
    return sorted(made, key=lambda topic: topic.topic_id)


def picture(rng: np.random.Generator, size: int = 24) -> bytes:
    """A PNG of random pixels."""
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def rewrite(table: Table, path: Path, **columns: Any) -> None:
    """Plant a defect: set columns of a written table, to a value, or by a function of the frame."""
    frame = table.read(path)
    for name, value in columns.items():
        frame[name] = value(frame) if callable(value) else value
    table.write(path, frame)


def _topic(form: str, text: str, entities: tuple[str, ...], answer: str) -> Topic:
    return Topic(
        topic_id=topic_id(form, text, entities, "skin colour"),
        kind="entity" if form == "entity" else "comparison",
        form=form,
        text=text,
        entities=entities,
        feature="skin colour",
        part="skin",
        answer=answer,
        values={e: ENTITIES[e][2] for e in entities},
        provenance={"template": form},
    )


def _subtopics(topics: list[Topic]) -> list[Subtopic]:
    return sorted((s for t in topics for s in t.subtopics), key=lambda s: s.subtopic_id)


def _corpus(paths: Paths, rng: np.random.Generator) -> list[str]:
    """Images of the three entities in both splits, and a museum's works without entity. Returns image_ids, sorted."""
    kinds = [(e, "train") for e in ENTITIES for _ in range(_TRAIN)]
    kinds += [(e, "gallery") for e in ENTITIES for _ in range(_GALLERY)]
    kinds += [(None, "gallery")] * _MUSEUM
    shards: dict[str, list[tuple[str, bytes, dict[str, Any]]]] = {}
    for number, (entity, split) in enumerate(kinds):
        data = picture(rng)
        digest = sha256_bytes(data)
        row = {
            "image_id": digest[:16], "sha256": digest, "phash": f"{int(rng.integers(2**62)):016x}",
            "width": 24, "height": 24, "format": "PNG", "entity_id": entity, "split": split,
            "source": "shop" if number < _PHOTOGRAPHS else "museum", "source_key": f"{number:04}.png",
            "licence": None if number < _PHOTOGRAPHS else "CC0-1.0", "attribution": "somebody",
            "copies": 1, "near_duplicate_of": None, "shard": f"{number % 2:05}.tar",
        }  # fmt: skip
        shards.setdefault(row["shard"], []).append((f"{digest[:16]}.png", data, row))
    rows = []
    for name, members in shards.items():
        members.sort(key=lambda member: member[0])
        placed = write_tar(paths.shards / name, [(member, data) for member, data, _ in members])
        rows += [row | {"offset": p.offset, "size": p.size} for p, (_, _, row) in zip(placed, members, strict=True)]
    rows.sort(key=lambda row: row["image_id"])
    IMAGES.write(paths.images, IMAGES.frame(rows))
    rejected = {"source": "shop", "source_key": "x.png", "reason": "empty", "detail": "0 bytes"}
    REJECTED.write(paths.rejected, REJECTED.frame([rejected]))
    duplicate = {
        "image_id": rows[0]["image_id"], "kind": "exact", "source": "shop", "source_key": "copy.png",
        "other_image_id": rows[0]["image_id"], "distance": 0, "across_splits": False,
    }  # fmt: skip
    DUPLICATES.write(paths.duplicates, DUPLICATES.frame([duplicate]))
    return [row["image_id"] for row in rows]


def _knowledge(paths: Paths) -> None:
    entities = [
        {"entity_id": e, "name": name, "aliases": [], "taxonomy": [*path, name], "description": f"It is {colour}.",
         "source": "curated"}
        for e, (name, path, colour) in ENTITIES.items()
    ]  # fmt: skip
    attributes = [
        {"entity_id": e, "feature": "skin colour", "part": "skin", "value": colour, "source": "curated",
         "evidence": "seen"}
        for e, (_, _, colour) in ENTITIES.items()
    ]  # fmt: skip
    granny, red, satsuma = ENTITIES
    groups = [
        {"group_id": "+".join(pair), "entities": list(pair), "score": score, "taxonomic": score, "lexical": score,
         "visual": score, "accepted": score > 0.4, "reason": f"score {score}"}
        for pair, score in (((granny, red), 0.8), ((granny, satsuma), 0.3), ((red, satsuma), 0.5))
    ]  # fmt: skip
    ENTITY_TABLE.write(paths.entities, ENTITY_TABLE.frame(entities))
    ATTRIBUTES.write(paths.attributes, ATTRIBUTES.frame(attributes))
    GROUPS.write(paths.groups, GROUPS.frame(groups))


def _drawings(paths: Paths, prompts: list[str], rng: np.random.Generator) -> list[str]:
    """Drawings of each phrase and of one generic prompt, in one tar. Returns drawing_ids."""
    rows, members = [], []
    for prompt in [*prompts, GENERIC_PROMPT]:
        for index in range(_DRAWINGS):
            identity = content_key(prompt=prompt, index=index)
            members.append((f"{identity}.png", picture(rng, 8)))
            rows.append({
                "drawing_id": identity, "prompt": prompt, "purpose": "generic" if prompt == GENERIC_PROMPT else "topic",
                "index": index, "seed": index, "generator": GENERATOR, "revision": "r1", "status": "ok", "reason": None,
                "shard": "00000.tar",
            })  # fmt: skip
    placed = write_tar(paths.drawings.parent / "00000.tar", members)
    rows = [row | {"offset": p.offset, "size": p.size} for row, p in zip(rows, placed, strict=True)]
    DRAWINGS.write(paths.drawings, DRAWINGS.frame(sorted(rows, key=lambda row: row["drawing_id"])))
    return [row["drawing_id"] for row in rows]


def _embed(folder: Path, keys: list[tuple[str, str]], rng: np.random.Generator) -> None:
    vectors = rng.normal(size=(len(keys), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.arange(len(keys), dtype=np.intp)
    write_embeddings(
        folder, sorted(keys), [(rows, vectors)], encoder=ENCODER, revision="r1", dtype="float32", dimension=8
    )


def _runs_and_pools(paths: Paths, params: Params, topics: list[Topic], rng: np.random.Generator) -> None:
    """Runs that know a little: later systems add more to the scores of the entity's images. Pools are the gallery."""
    images = IMAGES.read(paths.images)
    gallery = images[images["split"] == "gallery"]
    ids = list(gallery["image_id"])
    write_ranked(paths, params.retrieve.systems, params.systems, params.probe.systems)
    full: dict[str, list[RunLine]] = {system: [] for system in SYSTEMS}
    pools = []
    for subtopic in _subtopics(topics):
        relevant = (gallery["entity_id"] == subtopic.entity_id).to_numpy(dtype=float)
        for strength, system in enumerate(SYSTEMS):
            scores = rng.random(len(ids)) + strength * relevant / 2
            full[system] += rank_images(subtopic.subtopic_id, ids, scores, system)
        pools += [_pooled(subtopic.subtopic_id, image, full) for image in ids]
    for system, lines in full.items():
        write_run(paths.run("fullrank", system), [line for line in lines if line.rank <= params.retrieve.depth])
        write_run(paths.run("rerank", system), lines)
    POOLS.write(paths.pools, POOLS.frame(pools))


def _pooled(subtopic: str, image: str, runs: dict[str, list[RunLine]]) -> dict[str, Any]:
    ranks = {
        line.system: line.rank
        for system in ("text", "visret")
        for line in runs[system]
        if (line.subtopic_id, line.image_id) == (subtopic, image) and line.rank <= 5
    }
    return {
        "subtopic_id": subtopic, "image_id": image,
        "systems": sorted(ranks), "ranks": [ranks[system] for system in sorted(ranks)],
        "best_rank": min(ranks.values(), default=None), "sampled": not ranks,
    }  # fmt: skip
