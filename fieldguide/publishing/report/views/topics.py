"""The topics as a reader sees them: question, drawings, and what each system found for each entity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.thumbnails import Album
from fieldguide.publishing.report.views.answers import TopicAnswers
from fieldguide.publishing.report.views.health import View
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.topics import Subtopic, Topic
from fieldguide.retrieval.systems.rounds import RoundPaths

TRACK = "fullrank"


class TopicViews:
    """The tables of a benchmark, looked up by topic and subtopic.

    `ordered`: comparisons first, those about the same entities together; `rows`: a line of their list, by topic_id.
    Systems within a subtopic come as given.
    """

    def __init__(self, benchmark: Benchmark, album: Album, systems: list[str], answers: TopicAnswers) -> None:
        self.benchmark, self.album, self.systems, self.answers = benchmark, album, systems, answers
        self.ordered = sorted(benchmark.topics, key=_place)
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
        self.redrawn: dict[str, dict[Any, Any]] = {}
        self.evidence: dict[tuple[str, str], list[str]] = {}
        columns = benchmark.attributes[["entity_id", "feature", "evidence", "source"]]
        for entity, feature, evidence, source in columns.itertuples(index=False, name=None):
            self.evidence.setdefault((entity, feature), []).append(f"{evidence} ({source})")
        self.rows = {topic.topic_id: self._row(topic) for topic in self.ordered}
        self.tops = {system: self._top(system) for system in systems}

    def shown(self) -> View:
        """What the list of topics sorts by: the mean of the headline measure, by system in the order of `systems`."""
        means = [[self.mean(topic, system) for system in self.systems] for topic in self.ordered]
        rounded = [[None if mean is None else round(mean, 4) for mean in row] for row in means]
        return {"systems": self.systems, "means": rounded, "found": self.benchmark.params.fidelity.found}

    def _row(self, topic: Topic) -> View:
        names = [self.names[entity] for entity in topic.entities]
        looked_into = (topic.topic_id, topic.text, *names, topic.feature, topic.part, topic.form, topic.kind)
        means = self._means(topic)
        return {
            "topic": topic,
            "entities": names,
            "searchable": " ".join(looked_into).casefold(),
            "best": max(means.items(), key=lambda pair: pair[1]) if means else None,
            "baseline": means.get(self.benchmark.params.evaluate.baseline),
        }

    def topic(self, topic: Topic) -> View:
        """One question; `best` and `baseline` are means of the headline measure over its subtopics."""
        group = topic.provenance.get("group_id") or "+".join(sorted(topic.entities))
        groups = self.benchmark.groups
        return self.rows[topic.topic_id] | {
            "group_reason": str(groups.loc[group, "reason"]) if group in groups.index else None,
            "provenance": [(key, _words(value)) for key, value in sorted(topic.provenance.items())],
            "subtopics": [self._subtopic(subtopic) for subtopic in topic.subtopics],
            "answers": self.answers.of(topic.topic_id),
        }

    def _subtopic(self, subtopic: Subtopic) -> View:
        name, phrase = subtopic.subtopic_id, self.benchmark.phrases[subtopic.subtopic_id].text
        return {
            "subtopic_id": name,
            "entity": self.names[subtopic.entity_id],
            "entity_id": subtopic.entity_id,
            "value": self._value(subtopic),
            "source": self._attribute_source(subtopic),
            "phrase": phrase,
            "relevant": self.relevant.get(name, 0),
            "judged": self.judged.get(name, 0),
            "drawings": list(self.drawings(phrase)),
            "rounds": list(self._rounds(name)),
            "rankings": [
                {"system": system, "score": self.scores.get((name, system)), "shots": list(self._shots(name, system))}
                for system in self.systems
            ],
        }

    def _shots(self, subtopic_id: str, system: str) -> Iterator[View]:
        """A system's first images; `shows` names the image's label."""
        for row in self.tops[system].get(subtopic_id, ()):
            grade = self.grades.get((subtopic_id, row.image_id))
            label = self.labels[row.image_id]
            yield {
                "address": self.album.photograph(row.image_id),
                "image_id": row.image_id,
                "rank": int(row.rank),
                "score": f"{row.score:.3g}",
                "mark": self._mark(grade),
                "shows": str(self.names.get(label, label) if label else self.sources[row.image_id]),
            }

    def _mark(self, grade: int | None) -> str:
        if grade is None and not self.benchmark.complete:
            return "unjudged"
        return "relevant" if grade is not None and grade > 0 else "not-relevant"

    def drawings(self, phrase: str) -> Iterator[View]:
        """Drawings of a phrase, or the reason why there is none."""
        rows = self.drawn.get(phrase)
        if rows is None:
            return
        for row in rows.sort_values("index").itertuples(index=False, name="Row"):
            drawn = row.status == "ok"
            yield {"address": self.album.drawing(row) if drawn else None, "reason": str(row.reason)}

    def _rounds(self, subtopic_id: str) -> Iterator[View]:
        """How systems worded a subtopic's phrase anew, round by round, with the drawings of each wording."""
        for system, rounds in self.benchmark.rounds.items():
            table = RoundPaths(self.benchmark.paths.root, system).drawings
            if system not in self.redrawn:
                self.redrawn[system] = dict(iter(DRAWINGS.read(table).groupby("prompt", sort=False)))
            for row in rounds[rounds["subtopic_id"] == subtopic_id].itertuples(index=False, name="RoundRow"):
                made = self.redrawn[system][str(row.text)].sort_values("index") if row.status == "reworded" else None
                drawn = [] if made is None else made[made["status"] == "ok"].itertuples(index=False, name="Row")
                shown = [self.album.drawing(drawing, table) for drawing in drawn]
                yield {"system": system, "number": row.round, "text": row.text, "status": row.status,
                       "reason": row.reason, "drawings": shown}  # fmt: skip

    @staticmethod
    def _value(subtopic: Subtopic) -> str | None:
        """The entity's value of the feature, where it is not the answer itself, which is shown anyway."""
        value = subtopic.topic.values.get(subtopic.entity_id)
        return value if value != subtopic.topic.answer else None

    def _attribute_source(self, subtopic: Subtopic) -> str | None:
        return "; ".join(self.evidence.get((subtopic.entity_id, subtopic.topic.feature), ())) or None

    def _means(self, topic: Topic) -> dict[str, float]:
        """By system, of those that were measured."""
        means = ((system, self.mean(topic, system)) for system in self.systems)
        return {system: mean for system, mean in means if mean is not None}

    def mean(self, topic: Topic, system: str) -> float | None:
        """Mean of the headline measure over a topic's subtopics, on the whole gallery; None where none was measured."""
        found = [self.scores.get((subtopic.subtopic_id, system)) for subtopic in topic.subtopics]
        values = [value for value in found if value is not None]
        return sum(values) / len(values) if values else None

    def _top(self, system: str) -> dict[str, list[Any]]:
        run = self.benchmark.runs[TRACK, system]
        first = run[run["rank"] <= self.benchmark.params.report.top]
        found: dict[str, list[Any]] = {}
        for row in first.itertuples(index=False, name="RunRow"):
            found.setdefault(str(row.subtopic_id), []).append(row)
        return found


def _place(topic: Topic) -> tuple[str, ...]:
    return (topic.kind, *sorted(topic.entities), topic.feature, topic.form, topic.topic_id)


def _words(value: Any) -> str:
    """A provenance value on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_words(inner)}" for key, inner in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(_words(inner) for inner in value)
    return str(value)
