"""The topics as a reader sees them: question, drawings, and what each system found for each entity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.thumbnails import Album
from fieldguide.records.topics import Subtopic, Topic

TRACK = "fullrank"


@dataclass(frozen=True)
class Shot:
    """A retrieved image. `mark` is relevant, not-relevant or unjudged; `shows` names the image's label."""

    css: str
    image_id: str
    rank: int
    score: float
    mark: str
    shows: str


@dataclass(frozen=True)
class Drawing:
    """A drawing of a phrase, or the reason why there is none."""

    css: str | None
    reason: str | None


@dataclass(frozen=True)
class Ranking:
    """A system's first images for a subtopic and its score for the headline measure."""

    system: str
    score: float | None
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class SubtopicView:
    """One entity of a topic."""

    subtopic_id: str
    entity: str
    value: str | None
    source: str | None
    phrase: str
    relevant: int
    judged: int
    drawings: tuple[Drawing, ...]
    rankings: tuple[Ranking, ...]


@dataclass(frozen=True)
class TopicView:
    """One question. `best` and `baseline` are means of the headline measure over its subtopics."""

    topic: Topic
    entities: tuple[str, ...]
    group_reason: str | None
    provenance: tuple[tuple[str, str], ...]
    best: tuple[str, float] | None
    baseline: float | None
    subtopics: tuple[SubtopicView, ...]

    @property
    def searchable(self) -> str:
        """What the filter box looks into."""
        topic = self.topic
        words = (topic.topic_id, topic.text, *self.entities, topic.feature, topic.part, topic.form)
        return " ".join(words).casefold()


def topic_views(benchmark: Benchmark, album: Album, systems: list[str]) -> list[TopicView]:
    """Every topic, comparisons first, those about the same entities together; systems within a subtopic as given."""
    shown = _Shown(benchmark, album, systems)

    def place(topic: Topic) -> tuple[str, ...]:
        return (topic.kind, *sorted(topic.entities), topic.feature, topic.form, topic.topic_id)

    return [shown.topic(topic) for topic in sorted(benchmark.topics, key=place)]


class _Shown:
    """The tables of a benchmark, looked up by subtopic."""

    def __init__(self, benchmark: Benchmark, album: Album, systems: list[str]) -> None:
        self.benchmark, self.album, self.systems = benchmark, album, systems
        self.names = benchmark.entities["name"].to_dict()
        self.labels = dict(zip(benchmark.images["image_id"], benchmark.images["entity_id"], strict=True))
        self.sources = dict(zip(benchmark.images["image_id"], benchmark.images["source"], strict=True))
        qrels = benchmark.qrels
        self.grades = dict(zip(zip(qrels["subtopic_id"], qrels["image_id"], strict=True), qrels["grade"], strict=True))
        self.relevant = qrels[qrels["grade"] > 0].groupby("subtopic_id").size().to_dict()
        self.judged = qrels.groupby("subtopic_id").size().to_dict()
        scores = benchmark.scores
        scores = scores[(scores["track"] == TRACK) & (scores["measure"] == benchmark.params.evaluate.headline)]
        keys = zip(scores["subtopic_id"], scores["system"], strict=True)
        self.scores = dict(zip(keys, scores["value"].astype(float), strict=True))
        self.drawn = dict(iter(benchmark.drawings.groupby("prompt", sort=False)))
        self.tops = {system: self._top(system) for system in systems}

    def topic(self, topic: Topic) -> TopicView:
        group = topic.provenance.get("group_id") or "+".join(sorted(topic.entities))
        groups = self.benchmark.groups
        means = {system: self._mean(topic, system) for system in self.systems}
        known = [(system, mean) for system, mean in means.items() if mean is not None]
        return TopicView(
            topic,
            tuple(self.names[entity] for entity in topic.entities),
            str(groups.loc[group, "reason"]) if group in groups.index else None,
            tuple((key, _words(value)) for key, value in sorted(topic.provenance.items())),
            max(known, key=lambda pair: pair[1]) if known else None,
            means.get(self.benchmark.params.evaluate.baseline),
            tuple(self._subtopic(subtopic) for subtopic in topic.subtopics),
        )

    def _subtopic(self, subtopic: Subtopic) -> SubtopicView:
        phrase = self.benchmark.phrases[subtopic.subtopic_id].text
        return SubtopicView(
            subtopic.subtopic_id,
            self.names[subtopic.entity_id],
            self._value(subtopic),
            self._attribute_source(subtopic),
            phrase,
            self.relevant.get(subtopic.subtopic_id, 0),
            self.judged.get(subtopic.subtopic_id, 0),
            tuple(self._drawings(phrase)),
            tuple(
                Ranking(
                    system,
                    self.scores.get((subtopic.subtopic_id, system)),
                    tuple(self._shots(subtopic.subtopic_id, system)),
                )
                for system in self.systems
            ),
        )

    def _shots(self, subtopic_id: str, system: str) -> Iterator[Shot]:
        for row in self.tops[system].get(subtopic_id, ()):
            grade = self.grades.get((subtopic_id, row.image_id))
            mark = "unjudged" if grade is None else "relevant" if grade > 0 else "not-relevant"
            label = self.labels[row.image_id]
            shows = str(self.names.get(label, label) if label else self.sources[row.image_id])
            yield Shot(self.album.photograph(row.image_id), row.image_id, int(row.rank), float(row.score), mark, shows)

    def _drawings(self, phrase: str) -> Iterator[Drawing]:
        rows = self.drawn.get(phrase)
        if rows is None:
            return
        for row in rows.sort_values("index").itertuples(index=False, name="Row"):
            yield Drawing(self.album.drawing(row), None) if row.status == "ok" else Drawing(None, str(row.reason))

    @staticmethod
    def _value(subtopic: Subtopic) -> str | None:
        """The entity's value of the feature, where it is not the answer itself, which is shown anyway."""
        value = subtopic.topic.values.get(subtopic.entity_id)
        return value if value != subtopic.topic.answer else None

    def _attribute_source(self, subtopic: Subtopic) -> str | None:
        rows = self.benchmark.attributes
        rows = rows[(rows["entity_id"] == subtopic.entity_id) & (rows["feature"] == subtopic.topic.feature)]
        return "; ".join(f"{evidence} ({source})" for source, evidence in rows[["source", "evidence"]].values) or None

    def _mean(self, topic: Topic, system: str) -> float | None:
        found = [self.scores.get((subtopic.subtopic_id, system)) for subtopic in topic.subtopics]
        values = [value for value in found if value is not None]
        return sum(values) / len(values) if values else None

    def _top(self, system: str) -> dict[str, list[Any]]:
        run = self.benchmark.runs[TRACK, system]
        run = run[run["rank"] <= self.benchmark.params.report.top]
        tops: dict[str, list[Any]] = {}
        for row in run.itertuples(index=False, name="Row"):
            tops.setdefault(str(row.subtopic_id), []).append(row)
        return tops


def _words(value: Any) -> str:
    """A provenance value on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_words(inner)}" for key, inner in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(_words(inner) for inner in value)
    return str(value)
