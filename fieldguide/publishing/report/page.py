"""The page: views in, one self-contained HTML file out."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from fieldguide.core.files import atomic_open
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.params import Params
from fieldguide.params.seen import SEEN
from fieldguide.publishing.benchmark import Benchmark, params_text
from fieldguide.publishing.report.answers import TopicAnswers, answering
from fieldguide.publishing.report.claims import claims
from fieldguide.publishing.report.diagnosis import fidelity, probes
from fieldguide.publishing.report.fitness import fitness
from fieldguide.publishing.report.health import Cells, View, health
from fieldguide.publishing.report.leaderboards import boards, p_text
from fieldguide.publishing.report.people import people
from fieldguide.publishing.report.thumbnails import Album
from fieldguide.publishing.report.topics import topic_views

_TEMPLATES = "templates"


@dataclass(frozen=True)
class WrittenReport:
    """What was written."""

    topics: int
    images: int
    size: int


def write_report(params: Params, paths: Paths, track: Track = silent) -> WrittenReport:
    """Write paths.report. The same inputs give the same bytes.

    Raises:
        ProblemsError: files are missing (all are listed) or contradict each other.
    """
    benchmark = Benchmark(paths, params)
    benchmark.require("the report", _inputs(benchmark))
    album = Album(benchmark, params.report.thumbnail)
    made = boards(benchmark)
    systems = [row["system"] for row in made[0]["rows"]] if made else list(params.retrieve.systems)
    topics = topic_views(benchmark, album, systems, TopicAnswers(benchmark, album))
    context = {
        "params": params,
        "counts": _counts(benchmark),
        "boards": made,
        "seen": SEEN,
        "finding": _finding(made, params),
        "claims": claims(benchmark, made),
        "topics": topics,
        "answering": answering(benchmark),
        "fitness": fitness(benchmark),
        "fidelity": fidelity(benchmark),
        "probes": probes(benchmark),
        "health": health(benchmark),
        "people": people(benchmark),
        "models": _models(benchmark),
        "params_text": params_text(params),
        "grades": benchmark.grades,
        "about_grades": benchmark.grade_file.get("about", ""),
    }
    page = render(context, album.css(track))
    with atomic_open(paths.report) as stream:
        stream.write(page)
    return WrittenReport(len(topics), len(album), len(page.encode()))


def render(context: dict[str, Any], image_css: str) -> str:
    """Fill the template. Style and script are admitted by their hashes alone, so that nothing injected would run."""
    style, script = Markup(_asset("style.css")), Markup(_asset("script.js"))  # noqa: S704 - files of this package
    images = Markup(image_css)  # noqa: S704 - class names and base64 made by Album
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)} {_hash(images)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fieldguide.publishing.report", _TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["p"] = p_text
    template = environment.get_template("page.html.j2")
    return template.render(context, style=style, script=script, images=images, policy=policy)


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


def _asset(name: str) -> str:
    return (resources.files("fieldguide.publishing.report") / _TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


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


def _finding(made: list[View], params: Params) -> View | None:
    """The first board's best row beside those that are not told apart from it, its baseline and chance."""
    if not made:
        return None
    roles = {row["role"]: row for row in reversed(made[0]["rows"])}
    best, *others = made[0]["rows"]
    tied = [row["system"] for row in others if set(row["group"]) & set(best["group"])]
    return {
        "board": made[0],
        "best": best,
        "tied": tied,
        "baseline": roles.get("baseline"),
        "chance": roles.get("chance"),
    }


def _models(benchmark: Benchmark) -> Cells:
    """Every model with the revision that its outputs carry."""
    params = benchmark.params
    rows = []
    for name, meta in benchmark.encoder_meta.items():
        settings = f"{meta['dimension']} dimensions, {meta['dtype']}"
        rows.append((name, f"encoder ({params.encoders[name].kind})", settings, meta["revision"]))
    drawn = benchmark.drawings[["generator", "revision"]].drop_duplicates().sort_values(["generator", "revision"])
    for name, revision in drawn.itertuples(index=False, name=None):
        generator = params.generators.get(name)
        kind = generator.kind if generator else "no longer in params.yaml"
        rows.append((name, f"generator ({kind})", generator.description if generator else "", revision))
    return Cells(("model", "kind", "settings", "revision"), tuple(rows))
