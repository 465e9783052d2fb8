"""The systems as a reader sees them: what each is, where it beats the baseline, and where it goes wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import yaml

from fieldguide.params.seen import SEEN, seen
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.diagnosis import cause
from fieldguide.publishing.report.views.health import View
from fieldguide.publishing.report.views.topics import TopicViews
from fieldguide.retrieval.systems.registry import described

_WRONG = {
    "retrieval": "the drawings show what was asked, and the search did not find it",
    "generation": "the drawings show something else",
    "rewriting": "the phrase does not say what was asked",
    "not drawn": "nothing was drawn",
    "not told": "whether its drawings show it was not told",
}


def system_views(benchmark: Benchmark, boards: list[View], topics: TopicViews) -> Iterator[View]:
    """What system.html.j2 shows of each system, in the leaderboard's order."""
    verdicts = {line["subtopic_id"]: line["verdict"] for line in benchmark.fidelity["phrases"]}
    drawing = set(benchmark.params.drawing_systems(benchmark.params.retrieve.systems))
    for name in topics.systems:
        section = benchmark.params.systems[name]
        yield {
            "name": name,
            "description": section.description,
            "about": described(section.kind),
            "section": yaml.safe_dump(section.model_dump(mode="json", exclude_none=True), sort_keys=False),
            "seen": [SEEN[key] for key in seen(benchmark.params, name)],
            "places": list(_places(boards, name)),
            "topics": _compared(benchmark, topics, name),
            "causes": _causes(benchmark, topics, name, verdicts) if name in drawing else None,
        }


def _places(boards: list[View], name: str) -> Iterator[View]:
    """Where the system stands on each board."""
    for board in boards:
        for place, row in enumerate(board["rows"], 1):
            if row["system"] == name:
                tied = [o["system"] for o in board["rows"] if o is not row and set(o["group"]) & set(row["group"])]
                yield {"board": board, "place": place, "row": row, "tied": tied}


def _compared(benchmark: Benchmark, topics: TopicViews, name: str) -> View:
    """Each topic's mean beside the baseline's on the whole gallery, the greatest loss first."""
    baseline = benchmark.params.evaluate.baseline
    rows = []
    for topic in topics.ordered:
        own, other = topics.mean(topic, name), topics.mean(topic, baseline)
        if own is not None:
            rows.append((topic, own, other, None if other is None else own - other))
    rows.sort(key=lambda row: (row[3] is not None, row[3] if row[3] is not None else row[1], row[0].topic_id))
    signs = Counter(0 if abs(row[3]) < 5e-7 else 1 if row[3] > 0 else -1 for row in rows if row[3] is not None)
    return {"rows": rows, "wins": signs[1], "ties": signs[0], "losses": signs[-1], "baseline": baseline}


def _causes(benchmark: Benchmark, topics: TopicViews, name: str, verdicts: dict[str, str]) -> list[View]:
    """Subtopics that were not found, by where it went wrong, the commonest first."""
    found = benchmark.params.fidelity.found
    by_cause: dict[str, list[tuple[str, str, float]]] = {}
    for topic in topics.ordered:
        for subtopic in topic.subtopics:
            value = topics.scores.get((subtopic.subtopic_id, name))
            if value is None:
                continue
            why = cause(value, verdicts.get(subtopic.subtopic_id), found)
            if why != "found":
                entity = topics.names[subtopic.entity_id]
                by_cause.setdefault(why, []).append((topic.topic_id, f"{topic.text} ({entity})", value))
    ordered = sorted(by_cause.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [{"cause": why, "words": _WRONG.get(why, ""), "subtopics": rows} for why, rows in ordered]
