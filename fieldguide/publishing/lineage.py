"""The lineage of one judgment: why the entity, where the image is from, what pooled it, who judged it, who finds it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.annotation.judgments import log
from fieldguide.answering.closed.replies import stated_answer
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.topics import Subtopic

Lineage = dict[str, Any]
"""What `explain` says of one subtopic and image, as `fieldguide explain --json` prints it."""

_JUDGMENT = ("subtopic_id", "image_id", "assessor", "grade", "choice", "guideline", "judged_at", "action")


def explain(paths: Paths, params: Params, topic: str, image: str) -> tuple[Lineage, ...]:
    """The lineage of an image for a subtopic, or for every subtopic of a topic.

    `asked`: the question, and why of this entity. `image`: where it is from; `duplicates` tells of other files with the
    same bytes or nearly the same pixels. `pool`: what brought it into the subtopic's pool, systems with their ranks or
    the random sample. `judgments`: lines of the log; `holds`: neither superseded nor withdrawn, nor a withdrawal;
    `excluded`: why the assessor's judgments count for nothing.
    `qrel`: the grade after adjudication, with its definition. `placements`: rank from 1 and score of each system, None
    where its run does not hold the image. `missing`: files of stages that have not run.

    Args:
        paths: where the benchmark lies.
        params: names the systems.
        topic: a topic_id or subtopic_id, or the beginning of one that no other begins with.
        image: an image_id, or the beginning of one that no other begins with.

    Raises:
        FieldguideError: no or several such topics or images; names the likely ones.
    """
    benchmark = Benchmark(paths, params)
    subtopics = _subtopics(benchmark, topic)
    image_id = resolve(image, benchmark.image_rows, "image", str(paths.images))
    given = [judgment for judgment in _judged(paths, params.adjudicate.excluded) if judgment["image_id"] == image_id]
    shown = _shown(benchmark, image_id)
    placed, missing = _placements(benchmark, image_id, {s.subtopic_id for s in subtopics})
    optional = (paths.pools, paths.qrels / "qrels.parquet", paths.judgments)
    missing += [str(path) for path in optional if not path.exists()]
    return tuple(
        {
            "subtopic_id": subtopic.subtopic_id,
            "asked": _asked(benchmark, subtopic),
            "image": shown,
            "pool": _pooled(benchmark, subtopic.subtopic_id, image_id),
            "judgments": [judgment for judgment in given if judgment["subtopic_id"] == subtopic.subtopic_id],
            "qrel": _decided(benchmark, subtopic.subtopic_id, image_id),
            "placements": [placement for identity, placement in placed if identity == subtopic.subtopic_id],
            "missing": missing,
        }
        for subtopic in subtopics
    )


def explain_answers(paths: Paths, params: Params, topic: str) -> Lineage:
    """topic_id, question, reference answer, and every answer to it: a row of records.ANSWERS with `answer`, its end.

    `rounds`: how systems worded its phrases anew, rows of records.topics.ROUNDS with `system`.

    Raises:
        FieldguideError: no or several such topics (names the likely ones), or nothing was answered yet.
    """
    benchmark = Benchmark(paths, params)
    topics = {found.topic_id: found for found in benchmark.topics}
    asked = topics[resolve(topic.partition(".")[0], topics, "topic", str(paths.topics))]
    rows = benchmark.answers[benchmark.answers["topic_id"] == asked.topic_id].to_dict("records")
    answers = [{**row, "answer": row["reply"] and stated_answer(row["reply"]).text} for row in rows]
    own = {subtopic.subtopic_id for subtopic in asked.subtopics}
    rounds = [
        {"system": system, **row}
        for system, table in benchmark.rounds.items()
        for row in table[table["subtopic_id"].isin(own)].to_dict("records")
    ]
    return {
        "topic_id": asked.topic_id, "question": asked.text, "reference": asked.answer, "answers": answers,
        "rounds": rounds,
    }  # fmt: skip


def resolve(given: str, known: Iterable[str], what: str, where: str) -> str:
    """The one of `known` that is `given` or begins with it.

    Raises:
        FieldguideError: none or several do; names those, or the ones that look alike.
    """
    names = sorted(known)
    if given in names:
        return given
    found = [name for name in names if given and name.startswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise FieldguideError(f"{what} {given!r}: several begin so: {', '.join(found[:5])}{more}; give more of it")
    close = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {len(names)}, such as {', '.join(names[:3])}"
    raise FieldguideError(f"{what} {given!r}: not in {where}; {hint}")


def _subtopics(benchmark: Benchmark, given: str) -> tuple[Subtopic, ...]:
    topics = {topic.topic_id: topic for topic in benchmark.topics}
    # A subtopic_id goes on where its topic_id ends: only what has a dot can mean a single subtopic.
    if "." in given:
        return (benchmark.subtopics[resolve(given, benchmark.subtopics, "subtopic", str(benchmark.paths.topics))],)
    return topics[resolve(given, topics, "topic", str(benchmark.paths.topics))].subtopics


def _judged(paths: Paths, excluded: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The judgment log; nothing where there is none yet."""
    if not paths.judgments.exists():
        return
    entries = log.read(paths.judgments).entries
    holding = {entry.hash for entry in log.current(entries)}
    for entry in entries:
        told = {name: getattr(entry, name) for name in _JUDGMENT}
        yield {**told, "holds": entry.hash in holding, "excluded": excluded.get(entry.assessor)}


def _asked(benchmark: Benchmark, subtopic: Subtopic) -> dict[str, Any]:
    topic, entity = subtopic.topic, subtopic.entity_id
    group = topic.provenance.get("group_id") or "+".join(sorted(topic.entities))
    groups, rows = benchmark.groups, benchmark.attributes
    rows = rows[(rows["entity_id"] == entity) & (rows["feature"] == topic.feature)]
    known = group in groups.index
    phrases = benchmark.phrases if benchmark.paths.phrases.exists() else {}
    phrase = phrases.get(subtopic.subtopic_id)
    return {
        "topic_id": topic.topic_id,
        "kind": topic.kind,
        "form": topic.form,
        "question": topic.text,
        "answer": topic.answer,
        "feature": topic.feature,
        "part": topic.part,
        "entity_id": entity,
        "entity": str(benchmark.entities.loc[entity, "name"]) if entity in benchmark.entities.index else entity,
        "evidence": rows[["value", "source", "evidence"]].to_dict("records"),
        "group_id": group if known else None,
        "group_reason": str(groups.loc[group, "reason"]) if known else None,
        "phrase": phrase.text if phrase else None,
        "provenance": topic.provenance,
    }


def _shown(benchmark: Benchmark, image_id: str) -> dict[str, Any]:
    row = benchmark.image_rows[image_id]
    names = benchmark.entities["name"].to_dict()
    return {
        "image_id": image_id,
        "sha256": row.sha256,
        "entity_id": row.entity_id,
        "entity": names.get(row.entity_id) if row.entity_id else None,
        **{name: getattr(row, name) for name in ("split", "source", "source_key", "licence", "attribution")},
        "duplicates": list(_duplicates(benchmark.duplicates, image_id)),
    }


def _duplicates(duplicates: pd.DataFrame, image_id: str) -> Iterable[str]:
    touching = (duplicates["image_id"] == image_id) | (duplicates["other_image_id"] == image_id)
    for row in duplicates[touching].itertuples(index=False, name="Row"):
        across = ", across the splits" if row.across_splits else ""
        if row.kind == "exact":
            yield f"same bytes as {row.source!s} {row.source_key!s}{across}"
        else:
            other = row.other_image_id if row.image_id == image_id else row.image_id
            yield f"nearly {other!s} ({row.distance} bits apart{across})"


def _pooled(benchmark: Benchmark, subtopic_id: str, image_id: str) -> dict[str, Any] | None:
    if not benchmark.paths.pools.exists():
        return None
    row = _only(benchmark.pools, subtopic_id, image_id)
    if row is None:
        return None
    return {"systems": dict(zip(row.systems, row.ranks, strict=True)), "sampled": bool(row.sampled)}


def _decided(benchmark: Benchmark, subtopic_id: str, image_id: str) -> dict[str, Any] | None:
    folder = benchmark.paths.qrels
    if not (folder / "qrels.parquet").exists():
        return None
    row = _only(benchmark.qrels, subtopic_id, image_id)
    if row is None:
        return None
    grades = benchmark.grade_file if (folder / "grades.json").exists() else {}
    definition = grades.get(str(row.grade))
    return {
        "grade": int(row.grade), "definition": definition, "assessors": row.assessors, "decided_by": row.decided_by,
    }  # fmt: skip


def _placements(
    benchmark: Benchmark, image_id: str, subtopics: set[str]
) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """(subtopic_id, placement) of every run that is there, and the files of those that are not."""
    placed, missing = [], []
    for track in TRACKS:
        for system in benchmark.params.retrieve.systems:
            path: Path = benchmark.paths.run(track, system)
            if not path.exists():
                missing.append(str(path))
                continue
            run = read_run(path)
            run = run[run["image_id"] == image_id]
            lines = {row.subtopic_id: row for row in run.itertuples(index=False, name="Row")}
            for subtopic in sorted(subtopics):
                row: Any = lines.get(subtopic)
                rank, score = (int(row.rank), float(row.score)) if row is not None else (None, None)
                placed.append((subtopic, {"track": track, "system": system, "rank": rank, "score": score}))
    return placed, missing


def _only(frame: pd.DataFrame, subtopic_id: str, image_id: str) -> Any:
    """The row of a pair, as a named tuple; None if there is none."""
    rows = frame[(frame["subtopic_id"] == subtopic_id) & (frame["image_id"] == image_id)]
    return next(rows.itertuples(index=False, name="Row"), None)
