"""The rounds: draw, look at what was found, word the phrase anew, draw again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.models.calls.chat import Chat, Prompt
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.rewriting.subtopics import named_subtopics
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.topics import ROUNDS, Phrase, Subtopic, read_phrases, write_records
from fieldguide.retrieval.refining.wording import TopicDrawings, prompt, worded
from fieldguide.retrieval.systems.photographs import Photographs
from fieldguide.retrieval.systems.rounds import RoundCollection, RoundPaths
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.sections.rounds import GenirSystem

Illustrate = Callable[[Sequence[Phrase], RoundPaths], None]
"""Draws phrases and encodes their drawings: writes `drawings` and `queries(encoder)` of these paths."""
_Row = dict[str, Any]


@dataclass(frozen=True)
class RoundSummary:
    """What became of the phrases that a round asked about, counted."""

    number: int
    asked: int
    reworded: int
    kept: int
    failed: int
    example: str | None = None
    """Why the first of those that failed did."""

    def __str__(self) -> str:
        counts = f"{self.reworded} worded anew, {self.kept} kept, {self.failed} failed"
        why = f" (such as {self.example})" if self.example else ""
        return f"round {self.number}: {self.asked} phrases looked at: {counts}{why}"


def refine(
    name: str, spec: GenirSystem, chat: Chat, illustrate: Illustrate, paths: Paths, track: Track = silent
) -> list[RoundSummary]:
    """Write data/refined/NAME/: the phrases of each round, the table of what was asked, all drawings and vectors.

    Round 0 has the benchmark's phrases. In each further round the model is asked about every subtopic whose phrase it
    changed in the round before. A phrase that it leaves as it is, that it refuses to word, or of whose new wording
    nothing can be drawn stays as it was to the end.

    Raises:
        FieldguideError: the endpoint or the generator cannot be used; what was answered and drawn is kept.
    """
    phrases = {phrase.subtopic_id: phrase for phrase in read_phrases(paths.phrases)}
    every, rows = list(phrases.values()), list[_Row]()
    illustrate(every, RoundPaths(paths.root, name))
    _write(phrases, RoundPaths(paths.root, name))
    asked = sorted(phrases)
    for number in range(1, spec.rounds + 1):
        before, world = RoundPaths(paths.root, name, number - 1), RoundPaths(paths.root, name, number)
        made = _ask(asked, number, spec, chat, RoundCollection(before), track) if asked else []
        new = {row["subtopic_id"]: _phrase(row, spec) for row in made if row["status"] == "reworded"}
        if new:
            every += new.values()
            illustrate(every, world)
            _take_back(made, world)
        asked = [row["subtopic_id"] for row in made if row["status"] == "reworded"]
        phrases |= {subtopic: new[subtopic] for subtopic in asked}
        _write(phrases, world)
        rows += made
    ROUNDS.write(RoundPaths(paths.root, name).rounds, ROUNDS.frame(rows))
    return _summaries(rows, spec.rounds)


def _ask(
    asked: Sequence[str], number: int, spec: GenirSystem, chat: Chat, collection: RoundCollection, track: Track
) -> list[_Row]:
    """One row a subtopic: what its drawings found, and what the model made of it."""
    subtopics, names = named_subtopics(collection.paths, "refine")
    drawn, found = TopicDrawings(collection.paths.drawings, spec.side), _found(spec, collection)
    photographs, place = Photographs(collection, spec.side), {i: n for n, i in enumerate(collection.gallery)}

    def ask(subtopic: Subtopic) -> Prompt:
        phrase, shown = collection.phrases[subtopic.subtopic_id], found.get(subtopic.subtopic_id, [])
        return prompt(subtopic, phrase, drawn.pngs(phrase), [photographs.png(place[image]) for image in shown])

    open_ = set(asked)
    usable = [s for s in subtopics if s.subtopic_id in open_ and collection.phrases[s.subtopic_id] in drawn]
    replies = track(chat.ask_all(map(ask, usable)), f"round {number}", unit="phrases", total=len(usable))
    told = {s.subtopic_id: worded(reply, names[s.entity_id]) for s, reply in zip(usable, replies, strict=True)}
    nothing = Refused("nothing was drawn of it")
    return [_row(key, number, collection.phrases[key], found.get(key, []), told.get(key, nothing)) for key in asked]


def _found(spec: GenirSystem, collection: RoundCollection) -> Mapping[str, list[str]]:
    """image_ids of the photographs that the drawings of each subtopic find, as many as are shown."""
    found: dict[str, list[str]] = {}
    for line in run_system("", spec.visret, collection, depth=spec.shown) if spec.shown else ():
        found.setdefault(line.subtopic_id, []).append(line.image_id)
    return found


def _row(key: str, number: int, phrase: str, shown: list[str], answer: str | Refused) -> _Row:
    """A row of records.topics.ROUNDS."""
    refused = isinstance(answer, Refused)
    text = phrase if isinstance(answer, Refused) else answer
    return {
        "subtopic_id": key, "round": number, "phrase": phrase, "shown": shown, "text": text,
        "status": "failed" if refused else "kept" if text == phrase else "reworded",
        "reason": answer.reason if isinstance(answer, Refused) else None,
    }  # fmt: skip


def _take_back(rows: Sequence[_Row], world: RoundPaths) -> None:
    """Phrases of which nothing could be drawn are failures: they stay as they were."""
    drawings = DRAWINGS.read(world.drawings)
    made = set(drawings.loc[drawings["status"] == "ok", "prompt"])
    why: dict[Any, Any] = drawings.dropna(subset="reason").groupby("prompt")["reason"].first().to_dict()
    for row in rows:
        if row["status"] == "reworded" and row["text"] not in made:
            reason = f"nothing could be drawn of {row['text']!r}: {why.get(row['text'], 'not known why')}"
            row.update(status="failed", text=row["phrase"], reason=reason)


def _phrase(row: _Row, spec: GenirSystem) -> Phrase:
    return Phrase(row["subtopic_id"], row["text"], f"chat:{spec.chat.model}")


def _write(phrases: Mapping[str, Phrase], world: RoundPaths) -> None:
    write_records(world.phrases, [phrases[key] for key in sorted(phrases)])


def _summaries(rows: Sequence[_Row], rounds: int) -> list[RoundSummary]:
    found = []
    for number in range(1, rounds + 1):
        own = [row for row in rows if row["round"] == number]
        told = [row["status"] for row in own]
        example = next((f"{row['subtopic_id']}: {row['reason']}" for row in own if row["status"] == "failed"), None)
        reworded, kept, failed = (told.count(status) for status in ("reworded", "kept", "failed"))
        found.append(RoundSummary(number, len(told), reworded, kept, failed, example))
    return found
