"""The report: a folder of pages that open from disk, written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.files import atomic_directory
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.evaluation.leaderboard.rows import TRACK_NAMES
from fieldguide.params import Params
from fieldguide.params.seen import SEEN
from fieldguide.publishing.benchmark import Benchmark, params_text
from fieldguide.publishing.report.pages import Pages
from fieldguide.publishing.report.pictures.drawn import write_pictures
from fieldguide.publishing.report.thumbnails import Album, file_name
from fieldguide.publishing.report.views.answers import TopicAnswers, answering
from fieldguide.publishing.report.views.claims import claims
from fieldguide.publishing.report.views.diagnosis import fidelity, probes
from fieldguide.publishing.report.views.entities import EntityViews
from fieldguide.publishing.report.views.fitness import fitness
from fieldguide.publishing.report.views.health import Cells, View, health
from fieldguide.publishing.report.views.leaderboards import boards
from fieldguide.publishing.report.views.people import people
from fieldguide.publishing.report.views.systems import system_views
from fieldguide.publishing.report.views.topics import TopicViews


@dataclass(frozen=True)
class WrittenReport:
    """What was written; `size` is that of all pages, in bytes."""

    topics: int
    images: int
    size: int


def write_report(params: Params, paths: Paths, track: Track = silent) -> WrittenReport:
    """Write the folder of paths.report. The same inputs give the same bytes.

    Raises:
        ProblemsError: files are missing (all are listed) or contradict each other.
    """
    benchmark = Benchmark(paths, params)
    benchmark.require("the report", _inputs(benchmark))
    album = Album(benchmark, params.report.thumbnail)
    made = boards(benchmark)
    systems = [row["system"] for row in made[0]["rows"]] if made else list(params.retrieve.systems)
    shared = {
        "params": params,
        "answering": answering(benchmark),
        "people": people(benchmark),
        "top_systems": systems,
    }
    with atomic_directory(paths.report.parent) as folder:
        pages = Pages(folder, shared)
        topics = TopicViews(benchmark, album, systems, TopicAnswers(benchmark, album))
        size = _overviews(pages, benchmark, made)
        size += _topics(pages, topics, track)
        size += _entities(pages, EntityViews(benchmark, album, topics), track)
        for view in system_views(benchmark, made, topics):
            size += pages.write(f"systems/{file_name(view['name'])}.html", "system.html.j2", view=view)
        size += pages.write("pictures.html", "pictures.html.j2", pictures=write_pictures(benchmark, systems, folder))
        album.write(folder, track)
    return WrittenReport(len(topics.ordered), len(album), size)


def _overviews(pages: Pages, benchmark: Benchmark, made: list[View]) -> int:
    """The pages of which there is one each."""
    params = benchmark.params
    size = pages.write(
        "index.html",
        "index.html.j2",
        counts=_counts(benchmark),
        boards=made,
        seen=SEEN,
        tracks={board["track"]: TRACK_NAMES[board["track"]] for board in made},
        families=sorted({row["family"] for board in made for row in board["rows"]}),
        finding=_finding(made),
        claims=claims(benchmark, made),
    )
    size += pages.write("pairs.html", "pairs.html.j2", boards=made)
    size += pages.write("diagnosis.html", "diagnosis.html.j2", fidelity=fidelity(benchmark), probes=probes(benchmark))
    grades, about = benchmark.grades, benchmark.grade_file.get("about", "")
    size += pages.write("fitness.html", "fitness.html.j2", fitness=fitness(benchmark))
    size += pages.write("health.html", "health.html.j2", health=health(benchmark), grades=grades, about_grades=about)
    size += pages.write("made.html", "made.html.j2", models=_models(benchmark), params_text=params_text(params))
    for name, page in (("answering", "answers"), ("people", "people")):
        if pages.shared[name]:
            size += pages.write(f"{page}.html", f"{page}.html.j2")
    return size


def _topics(pages: Pages, topics: TopicViews, track: Track) -> int:
    rows = [topics.rows[topic.topic_id] for topic in topics.ordered]
    size = pages.write("topics.html", "topics.html.j2", rows=rows, shown=topics.shown(), **_choices(rows))
    addresses = [f"topics/{file_name(topic.topic_id)}.html" for topic in topics.ordered]
    around = zip(topics.ordered, addresses, [None, *addresses], [*addresses[1:], None], strict=False)
    for topic, address, before, after in track(around, "topics", unit="topics", total=len(rows)):
        size += pages.write(address, "topic.html.j2", view=topics.topic(topic), before=before, after=after)
    return size


def _choices(rows: Sequence[View]) -> View:
    """What the list of topics can be narrowed to."""
    return {
        "kinds": sorted({row["topic"].kind for row in rows}),
        "features": sorted({row["topic"].feature for row in rows}),
        "entities": sorted({name for row in rows for name in row["entities"]}),
    }


def _entities(pages: Pages, entities: EntityViews, track: Track) -> int:
    size = pages.write("entities.html", "entities.html.j2", rows=[entities.row(e) for e in entities.asked])
    for entity in track(entities.asked, "entities", unit="entities"):
        size += pages.write(f"entities/{file_name(entity)}.html", "entity.html.j2", view=entities.entity(entity))
    return size


def _inputs(benchmark: Benchmark) -> list[Path]:
    paths = benchmark.paths
    more = (
        paths.fitness,
        paths.fidelity,
        paths.probes,
        paths.answers,
        paths.answering,
        paths.rejected,
        paths.duplicates,
        paths.refused_topics,
        paths.drawings,
    )
    return [*benchmark.files(), *more, *(paths.embeddings(e) / "meta.json" for e in benchmark.params.embed.encoders)]


def _counts(benchmark: Benchmark) -> dict[str, int]:
    images = benchmark.images
    return {
        "images": len(images),
        "gallery": int((images["split"] == "gallery").sum()),
        "train": int((images["split"] == "train").sum()),
        "entities": len({subtopic.entity_id for subtopic in benchmark.subtopics.values()}),
        "comparison": sum(topic.kind == "comparison" for topic in benchmark.topics),
        "entity": sum(topic.kind == "entity" for topic in benchmark.topics),
        "subtopics": len(benchmark.subtopics),
        "judgments": int(benchmark.qrels["judgments"].sum()),
        "relevant": int((benchmark.qrels["grade"] > 0).sum()),
        "systems": len(benchmark.params.retrieve.systems),
    }


def _finding(made: list[View]) -> View | None:
    """The first board's best row beside those that are not told apart from it, its baseline and chance."""
    if not made:
        return None
    roles = {row["role"]: row for row in reversed(made[0]["rows"])}
    best, *others = made[0]["rows"]
    return {
        "board": made[0],
        "best": best,
        "tied": sum(bool(set(row["group"]) & set(best["group"])) for row in others),
        "baseline": roles.get("baseline"),
        "chance": roles.get("chance"),
    }


def _models(benchmark: Benchmark) -> Cells:
    """Every model with the revision that its outputs carry."""
    params = benchmark.params
    rows: list[tuple[Any, ...]] = []
    for name, meta in benchmark.encoder_meta.items():
        settings = f"{meta['dimension']} dimensions, {meta['dtype']}"
        rows.append((name, f"encoder ({params.encoders[name].kind})", settings, meta["revision"]))
    drawn = benchmark.drawings[["generator", "revision"]].drop_duplicates().sort_values(["generator", "revision"])
    for name, revision in drawn.itertuples(index=False, name=None):
        generator = params.generators.get(name)
        kind = generator.kind if generator else "no longer in params.yaml"
        rows.append((name, f"generator ({kind})", generator.description if generator else "", revision))
    return Cells(("model", "kind", "settings", "revision"), tuple(rows))
