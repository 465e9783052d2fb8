"""The entities as a reader sees them: what is known of each, what it looks like, and how well it is found."""

from __future__ import annotations

from typing import Any

from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.thumbnails import Album
from fieldguide.publishing.report.views.health import Cells, View
from fieldguide.publishing.report.views.topics import TopicViews
from fieldguide.records.topics import Subtopic

_SHOWN = 24
"""So many photographs of a split."""
_DRAWN = 6
"""So many phrases with their drawings."""


class EntityViews:
    """The entities that topics ask about, by name."""

    def __init__(self, benchmark: Benchmark, album: Album, topics: TopicViews) -> None:
        self._benchmark, self._album, self._topics = benchmark, album, topics
        self._subtopics: dict[str, list[Subtopic]] = {}
        for topic in topics.ordered:
            for subtopic in topic.subtopics:
                self._subtopics.setdefault(subtopic.entity_id, []).append(subtopic)
        self.asked = sorted(self._subtopics, key=lambda entity: (topics.names[entity].casefold(), entity))
        images = benchmark.images
        labelled = images[images["entity_id"].isin(self._subtopics)].sort_index()
        self._photographs = {
            (str(entity), str(split)): [str(image) for image in part["image_id"]]
            for (entity, split), part in labelled.groupby(["entity_id", "split"])
        }
        self._fidelity = {line["entity_id"]: line for line in benchmark.fidelity["entities"]}

    def row(self, entity_id: str) -> View:
        """One line of the list of entities: `best` is the system with the greatest mean over its subtopics."""
        means = self._means(entity_id)
        return {
            "entity_id": entity_id,
            "name": self._topics.names[entity_id],
            "taxonomy": " › ".join(list(self._benchmark.entities["taxonomy"][entity_id])[:-1]),
            "topics": len({subtopic.topic.topic_id for subtopic in self._subtopics[entity_id]}),
            "photographs": {split: len(self._split(entity_id, split)) for split in ("gallery", "train")},
            "best": max(means.items(), key=lambda pair: pair[1]) if means else None,
            "baseline": means.get(self._benchmark.params.evaluate.baseline),
        }

    def entity(self, entity_id: str) -> View:
        """One entity's page."""
        row = self._benchmark.entities.loc[entity_id]
        attributes = self._benchmark.attributes
        own = attributes[attributes["entity_id"] == entity_id]
        columns = ("feature", "part", "value", "evidence", "source")
        return self.row(entity_id) | {
            "aliases": list(row["aliases"]),
            "description": row["description"],
            "source": row["source"],
            "attributes": Cells(columns, tuple(tuple(map(str, line)) for line in own[list(columns)].values)),
            "splits": [
                (split, len(found), [(self._album.photograph(image), image) for image in found[:_SHOWN]])
                for split in ("gallery", "train")
                if (found := self._split(entity_id, split))
            ],
            "drawn": self._drawn(entity_id),
            "fidelity": self._fidelity.get(entity_id),
            "topics_about": [self._topics.rows[s.topic.topic_id] for s in self._subtopics[entity_id]],
            "systems": [(system, mean) for system, mean in self._means(entity_id).items()],
        }

    def _split(self, entity_id: str, split: str) -> list[str]:
        return self._photographs.get((entity_id, split), [])

    def _means(self, entity_id: str) -> dict[str, float]:
        """Mean of the headline measure over an entity's subtopics by system, in the leaderboard's order."""
        means = {}
        for system in self._topics.systems:
            found = [self._topics.scores.get((s.subtopic_id, system)) for s in self._subtopics[entity_id]]
            if values := [value for value in found if value is not None]:
                means[system] = sum(values) / len(values)
        return means

    def _drawn(self, entity_id: str) -> list[tuple[str, list[Any]]]:
        """The first phrases with their drawings."""
        texts = (self._benchmark.phrases[s.subtopic_id].text for s in self._subtopics[entity_id])
        phrases = list(dict.fromkeys(texts))[:_DRAWN]
        return [(phrase, made) for phrase in phrases if (made := list(self._topics.drawings(phrase)))]
