"""Answers as a reader sees them: accuracy by what was shown, what that says of an answerer, and single answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldguide.answering.closed.replies import reasoning, stated_answer
from fieldguide.answering.contexts.choosing import contexts
from fieldguide.core.english import counted
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.thumbnails import Album
from fieldguide.publishing.report.views.health import Cells, View

_MARKS = {"correct": "relevant", "wrong": "not-relevant"}
_WORDS = {
    "none": "nothing", "gold": "relevant images", "negatives": "images judged not relevant",
    "others": "images of other entities", "gold-among": "one relevant image among distractors",
    "distractors": "distractors alone", "swapped": "each entity's relevant images as another's",
    "captions": "captions of the relevant images", "drawings": "the phrases' drawings",
}  # fmt: skip


def answering(benchmark: Benchmark) -> View | None:
    """What answers.html.j2 shows of answering.json; None where nobody was asked."""
    found = benchmark.answering
    if not found["accuracy"]:
        return None
    places = [place for name in found["answerers"] if (place := _answerer(found, name, benchmark)) is not None]
    return {
        "topics": counted(found["topics"], "question"),
        "not_asked": found["not_asked"],
        "left_out": list(found["left_out"].items()),
        "unscored": list(found["unscored"].items()),
        "measure": found["measure"],
        "preset": found["preset"],
        "answerers": places,
        "findings": [(f["answerer"], f["finding"], f["evidence"]) for f in found["findings"]],
        "alpha": benchmark.params.evaluate.alpha,
    }


def _answerer(found: Mapping[str, Any], name: str, benchmark: Benchmark) -> View | None:
    rows = [row for row in found["accuracy"] if row["answerer"] == name]
    if not rows:
        return None
    by_context = {row["context"]: row for row in rows}
    same = len({(row["accuracy"], row["correct"], row["abstained"]) for row in rows}) == 1
    orders = [row for row in found["orders"] if row["answerer"] == name]
    areas = {row["context"]: row["area"] for row in found["coverage"] if row["answerer"] == name}
    shown = [by_context[context] for context in found["contexts"] if context in by_context]
    chosen, found_by_systems = ([row for row in shown if ("@" in row["context"]) == by] for by in (False, True))
    depths = benchmark.params.answer.settled.k
    k = depths[len(depths) // 2]
    return {
        "name": name,
        "kind": found["answerers"][name],
        "same": same,
        "table": _table(shown[:1] if same else chosen, areas),
        "found": _table([row for row in found_by_systems if f"@{k} " in row["context"]], areas) if not same else None,
        "k": k,
        "all": _table(found_by_systems, areas) if not same else None,
        "by_shown": _by_shown(found_by_systems) if not same else None,
        "orders": _orders(orders) if not same else None,
        "plot": None if same else _plot(found, name, by_context, benchmark),
    }


def _table(rows: list[dict[str, Any]], areas: Mapping[str, float]) -> Cells:
    heads = (
        "shown", "accuracy", "interval", "over none", "q", "gap closed", "when answered", "correct", "wrong",
        "abstained", "unparseable", "unscored", "risk (AURC)", "tokens a correct", "money a correct",
    )  # fmt: skip
    made = tuple(
        (
            _said(row["context"]), _number(row["accuracy"]),
            None if row["accuracy"] is None else f"{row['low']:.3f} to {row['high']:.3f}",
            _signed(row["difference"]), _number(row["q"]), None if row["gap"] is None else f"{row['gap']:.0%}",
            _number(row["answered"]),
            *(row[name] for name in ("correct", "wrong", "abstained", "unparseable", "unscored")),
            _number(areas.get(row["context"])), _round(row["tokens_a_correct"]), _number(row["cost_a_correct"]),
        )
        for row in rows
    )  # fmt: skip
    # What no row has is no column: without paid calls there are no tokens and no money.
    kept = [n for n in range(len(heads)) if any(row[n] is not None for row in made)]
    return Cells(
        tuple(heads[n] for n in kept),
        tuple(tuple(row[n] for n in kept) for row in made),
        frozenset(place for place, n in enumerate(kept) if n),
    )


def _by_shown(rows: list[dict[str, Any]]) -> Cells:
    """Accuracy of topics of which all entities, some or none had something relevant among what was shown."""
    made = tuple(
        (row["context"], *(cell for name in ("all", "some", "none") for cell in _group(row["by_shown"][name])))
        for row in rows
    )
    heads = ("shown", "of all", "accuracy", "of some", "accuracy", "of none", "accuracy")
    return Cells(heads, made, frozenset(range(1, 7)))


def _orders(rows: list[dict[str, Any]]) -> Cells:
    names = list(dict.fromkeys(order for row in rows for order in row["accuracy"]))
    made = tuple(
        (
            _said(row["context"]), *(_number(row["accuracy"].get(order)) for order in names), _number(row["spread"]),
            f"{row['changed']:.0%}",
        )
        for row in rows
    )  # fmt: skip
    return Cells(("shown", *names, "spread", "outcomes that change"), made, frozenset(range(1, len(names) + 3)))


def _plot(
    found: Mapping[str, Any], name: str, by_context: Mapping[str, dict[str, Any]], benchmark: Benchmark
) -> View | None:
    """Accuracy over the retrieval measure at the middle k; the lines are what gold and no images give."""
    rows = [row for row in found["quality"] if row["answerer"] == name]
    if not rows:
        return None
    depths = benchmark.params.answer.settled.k
    row = next((row for row in rows if row["k"] == depths[len(depths) // 2]), rows[0])
    lines = {context: by_context[context]["accuracy"] for context in ("none", "gold") if context in by_context}
    bins = tuple(
        (f"{b['low']:.1f} to {b['high']:.1f}", b["answers"], _number(b["accuracy"]))
        for b in row["bins"]
        if b["answers"]
    )
    return {
        "k": row["k"],
        "tau": _number(row["tau"]),
        "points": row["points"],
        "lines": [(context, value) for context, value in lines.items() if value is not None],
        "table": Cells(
            ("system", "track", found["measure"], "accuracy"),
            tuple((p["system"], p["track"], _number(p["quality"]), _number(p["accuracy"])) for p in row["points"]),
            frozenset({2, 3}),
        ),
        "bins": Cells((f"{found['measure']} of the topic", "answers", "accuracy"), bins, frozenset({1, 2})),
    }


class TopicAnswers:
    """Single answers, looked up by topic: without images, from relevant ones, and from what each system found first."""

    def __init__(self, benchmark: Benchmark, album: Album) -> None:
        self._album = album
        section = benchmark.params.answer
        found = [
            c for c in contexts(section.settled) if c.system and c.track == section.tracks[0] and c.k == max(section.k)
        ]
        wanted = ["none", "gold", "swapped", *(context.name for context in found)]
        answers = benchmark.answers
        ranked = answers[(answers["order"] == "ranked") & answers["context"].isin(wanted)]
        self._rows: dict[str, list[Any]] = {}
        for row in ranked.itertuples(index=False, name="AnswerRow"):
            self._rows.setdefault(str(row.topic_id), []).append(row)
        self._drawn = {row.drawing_id: row for row in benchmark.drawings.itertuples(index=False, name="DrawingRow")}

    def of(self, topic_id: str) -> list[View]:
        """The answers to a topic; an answerer that says the same whatever it is shown has one line."""
        rows = self._rows.get(topic_id, [])
        by_answerer: dict[str, list[Any]] = {}
        for row in rows:
            by_answerer.setdefault(row.answerer, []).append(row)
        return [view for own in by_answerer.values() for view in self._views(own)]

    def _views(self, rows: list[Any]) -> Iterator[View]:
        alike = len(rows) > 1 and len({row.reply for row in rows}) == 1
        for row in rows[:1] if alike else rows:
            yield {
                "answerer": row.answerer,
                "shown": "whatever is shown" if alike else _said(row.context),
                "answer": None if row.reply is None else stated_answer(row.reply).text,
                "reasoning": _reasoning(row.reply),
                "outcome": row.outcome,
                "mark": _MARKS.get(row.outcome, "unjudged"),
                "score": _number(row.score),
                "scored_by": row.scored_by,
                "reason": row.reason,
                "shots": [] if alike else list(self._shots(row)),
            }

    def _shots(self, row: Any) -> Iterator[View]:
        for kind, key, relevant in zip(row.kinds, row.keys, row.relevant, strict=True):
            if kind == "caption":
                continue
            address = self._album.drawing(self._drawn[key]) if kind == "drawing" else self._album.photograph(key)
            yield {
                "address": address,
                "key": key,
                "mark": {True: "relevant", False: "not-relevant"}.get(relevant, "unjudged"),
            }


def _reasoning(reply: str | None) -> str | None:
    """None where a reply is the answer alone."""
    return reasoning(reply) if reply is not None and stated_answer(reply).marked else None


def _said(context: str) -> str:
    return _WORDS.get(context, context)


def _group(group: Mapping[str, Any]) -> tuple[int, str | None]:
    return group["topics"], _number(group["accuracy"])


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.3f}"


def _round(value: float | None) -> int | None:
    return None if value is None else round(value)
