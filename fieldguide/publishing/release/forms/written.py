"""Writing a release's other forms from what the stages made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldguide.annotation.judgments.labels import ASSESSOR
from fieldguide.core.english import listed
from fieldguide.core.files import atomic_open
from fieldguide.corpus.store.shards import image_bytes
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.forms import beir, citing, hub, mteb
from fieldguide.publishing.release.forms.croissant import Told, croissant
from fieldguide.publishing.release.layout import DESCRIBED, RUNS
from fieldguide.publishing.report.views.claims import claims
from fieldguide.publishing.report.views.leaderboards import boards
from fieldguide.records.release import RELEASE_QUERIES, RELEASE_TOPICS, THUMBNAILS
from fieldguide.records.topics import Topic
from fieldguide.retrieval.systems.collection import SearchCollection


def query_text(topic: Topic, entity: str) -> str:
    """What is searched for, unambiguous by itself: the question, and which of its entities is to be seen.

    Args:
        entity: what the subtopic's entity is called.
    """
    return topic.text if len(topic.entities) == 1 else f"{topic.text} Show me: {entity}, the {topic.part}."


def query_lines(benchmark: Benchmark) -> Iterator[dict[str, Any]]:
    """One query a subtopic, in BEIR's form, sorted."""
    for identity, subtopic in benchmark.subtopics.items():
        topic, name = subtopic.topic, str(benchmark.entities.loc[subtopic.entity_id, "name"])
        metadata = {
            "topic_id": topic.topic_id, "question": topic.text, "kind": topic.kind, "form": topic.form,
            "entity_id": subtopic.entity_id, "entity": name, "feature": topic.feature, "part": topic.part,
            "phrase": benchmark.phrases[identity].text,
        }  # fmt: skip
        yield {"_id": identity, "text": query_text(topic, name), "metadata": metadata}


def write_forms(benchmark: Benchmark, folder: Path, queries: Sequence[Mapping[str, Any]]) -> None:
    """Write the hub's tables, beir/, CITATION.cff, .zenodo.json and mteb_task.py."""
    names = {str(entity): str(name) for entity, name in benchmark.entities["name"].items()}
    RELEASE_TOPICS.write(folder / "topics.parquet", hub.topics_frame(benchmark.topics, names))
    RELEASE_QUERIES.write(folder / "queries.parquet", hub.queries_frame(queries))
    hub.write_runs(folder / RUNS, benchmark.runs)
    images = benchmark.images.reset_index(drop=True)
    captioned = benchmark.paths.captions.exists()
    captions = SearchCollection(benchmark.paths).captions if captioned else {}
    for name, text in beir.texts(queries, images, benchmark.qrels, captions):
        write_text(folder / name, text)
    given = sorted((key, row) for key, row in benchmark.image_rows.items() if row.licence)
    if given:
        photographs = ((key, image_bytes(benchmark.paths, row)) for key, row in given)
        THUMBNAILS.write(folder / "thumbnails.parquet", hub.thumbnails_frame(photographs))
    release, title = benchmark.params.release, benchmark.params.report.title
    write_text(folder / citing.CITATION, citing.citation(release, title))
    write_text(folder / citing.ZENODO, citing.zenodo(release, title))
    write_text(folder / mteb.FILE, mteb.task(release, title, bool(_people(benchmark))))


def croissant_text(benchmark: Benchmark, sums: Mapping[str, str]) -> str:
    """croissant.json of a release whose other files have these sha256."""
    tables = {name: (file, DESCRIBED[file]) for name, file in hub.CONFIGS.items()}
    params = benchmark.params
    return croissant(params.release, params.report.title, sums, tables, _told(benchmark))


def _people(benchmark: Benchmark) -> set[str]:
    """Who judged, apart from the data set's own labels."""
    return {name for names in benchmark.qrels["assessors"] for name in names} - {ASSESSOR}


def _told(benchmark: Benchmark) -> Told:
    params = benchmark.params
    people = _people(benchmark)
    sources = benchmark.images.groupby("source").size()
    taken = listed([f"{source} ({count:,} images)" for source, count in sources.items()], "and")
    knowledge = sorted(set(benchmark.attributes["source"]) | set(benchmark.entities["source"]))
    drawer, captioner = params.visualize.generator, params.caption.captioner
    tools = [f"text-to-image model: {drawer} ({params.generators[drawer].kind})"] if drawer else []
    tools += [f"captioner: {captioner} ({params.captioners[captioner].kind})"] if captioner else []
    tools += [f"encoder: {name} ({params.encoders[name].kind})" for name in params.embed.encoders]
    return Told(
        collection=f"Photographs: {taken}. Knowledge about the entities: {listed(knowledge, 'and')}.",
        protocol=str(benchmark.grade_file.get("about", "")),
        platform="Label Studio" if people else "",
        analysis="qrels/agreement.json says how far people agree" if people else "",
        tools=tools,
        limitations=[f"{claim.heading}. {claim.text}" for claim in claims(benchmark, boards(benchmark))],
    )


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with atomic_open(path) as stream:
        stream.write(text)
