"""Stage `rewrite`: each subtopic as a short phrase to be drawn, with the entity and the part, never the value."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fieldguide.core import english
from fieldguide.core.english import stems
from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.core.streaming import map_ahead
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.rewriting.section import Rewrite
from fieldguide.queries.rewriting.subtopics import named_subtopics
from fieldguide.queries.wording.placeholders import check_placeholders, placeholders
from fieldguide.records.topics import Phrase, Subtopic, Topic, write_records

# An entity topic asks for the whole thing, so there is no part to show.
ENTITY_PHRASE = "a photo of {entity}"
_ALLOWED = ("entity", "part")
_LONGEST = 200
_SYSTEM = """\
You rewrite a question about photographs as a short prompt for a text-to-image model.
The prompt names the entity exactly as given, and the part to be shown.
It must not say or hint at what that part looks like: no colour, pattern, texture or shape.
Reply with the prompt alone: one line of at most 20 words, without quotation marks.
"""

Rewriter = Callable[[Subtopic, str], str | Refused]


@dataclass(frozen=True)
class RewriteSummary:
    """What `rewrite` wrote, counted."""

    phrases: int
    distinct: int
    rewriter: str

    def lines(self) -> list[str]:
        """For people."""
        return [f"{self.phrases} phrases by {self.rewriter}, {self.distinct} of them different"]


def rewrite(spec: Rewrite, paths: Paths, track: Track = silent) -> RewriteSummary:
    """Write data/phrases/phrases.jsonl, sorted by subtopic_id.

    Raises:
        FieldguideError: the template has other placeholders than {entity} and {part}; the endpoint cannot be used.
        ProblemsError: topics of unknown entities; phrases without the entity or with the value, all of them.
    """
    for place, template in [
        ("template", spec.template),
        *((f"expansions.{n}", t) for n, t in enumerate(spec.expansions)),
    ]:
        check_template(template, place)
    subtopics, names = named_subtopics(paths, "rewrite")
    rewriter, called = _rewriter(spec, paths)
    threads = spec.chat.concurrency if spec.chat else 1
    texts = map_ahead(lambda s: rewriter(s, names[s.entity_id]), subtopics, threads=threads)
    answers = list(track(texts, "rewriting", unit="subtopics", total=len(subtopics)))
    phrases = [Phrase(subtopic.subtopic_id, text, called) for subtopic, text in _usable(subtopics, answers, names)]
    expansions = _expansions(spec.expansions, subtopics, names)
    write_records(paths.phrases, phrases)
    write_records(paths.expansions, expansions)
    return RewriteSummary(len(phrases), len({phrase.text for phrase in phrases}), called)


def _expansions(templates: Sequence[str], subtopics: Sequence[Subtopic], names: Mapping[str, str]) -> list[Phrase]:
    """Other wordings of each subtopic's phrase, in the order of the templates.

    Raises:
        ProblemsError: all those that give the value away.
    """
    found = [
        (subtopic, template.format(entity=names[subtopic.entity_id], part=subtopic.topic.part))
        for subtopic in subtopics
        for template in templates
        if subtopic.topic.kind != "entity" or "part" not in placeholders(template)
    ]
    told = ((s, text, phrase_problem(text, s.topic, names[s.entity_id])) for s, text in found)
    if problems := [Problem(f"{s.subtopic_id} {text!r}", problem) for s, text, problem in told if problem]:
        raise ProblemsError("rewrite: these wordings cannot be used; change rewrite.expansions:", problems)
    return [Phrase(subtopic.subtopic_id, text, "template") for subtopic, text in found]


def check_template(template: str, place: str = "template") -> None:
    """Refuse a template that would not do.

    Raises:
        FieldguideError: names the placeholder, and what is allowed.
    """
    advice = "allowed are {entity}, which it must have, and {part}; never the feature's value"
    check_placeholders(template, f"rewrite.{place}", "entity", _ALLOWED, advice)


def phrase_problem(text: str, topic: Topic, entity: str) -> str | None:
    """Why a text cannot be the phrase of a topic's subtopic about `entity` (its name), or None.

    A value's word counts in any of its forms (`greenish` for `green`), unless it is a word of the entity's
    name or of the part, which a phrase has to hold.
    """
    if not text.strip() or len(text) > _LONGEST or not text.isprintable():
        return f"must be one line of 1 to {_LONGEST} printable characters"
    if not english.names(text, entity):
        return f"does not name {entity!r}"
    if topic.kind == "entity":
        return None  # asks for everything that can be seen: there is no single value to give away
    besides = set(stems(f"{entity} {topic.part}"))
    told = sorted(v for v in set(topic.values.values()) if (set(stems(v)) - besides) & set(stems(text)))
    return f"gives away the value {told[0]!r} of {topic.feature}" if told else None


def _usable(
    subtopics: Sequence[Subtopic], answers: Sequence[str | Refused], names: Mapping[str, str]
) -> list[tuple[Subtopic, str]]:
    """Each subtopic with its phrase.

    Raises:
        ProblemsError: all those that have none, and all phrases that cannot be used.
    """
    usable, problems = [], []
    for subtopic, answer in zip(subtopics, answers, strict=True):
        if isinstance(answer, Refused):
            problems.append(Problem(subtopic.subtopic_id, f"the chat model refused: {answer.reason}"))
            continue
        problem = phrase_problem(answer, subtopic.topic, names[subtopic.entity_id])
        if problem:
            problems.append(Problem(f"{subtopic.subtopic_id} {answer!r}", problem))
        usable.append((subtopic, answer))
    if problems:
        raise ProblemsError(
            "rewrite: these phrases cannot be used; change rewrite.template, or the chat model or its seed:", problems
        )
    return usable


def _rewriter(spec: Rewrite, paths: Paths) -> tuple[Rewriter, str]:
    """The function that rewrites a subtopic about an entity of that name, and what it is called in the records."""

    def by_template(subtopic: Subtopic, name: str) -> str | Refused:
        template = ENTITY_PHRASE if subtopic.topic.kind == "entity" else spec.template
        return template.format(entity=name, part=subtopic.topic.part)

    if spec.rewriter == "template":
        return by_template, "template"
    from fieldguide.models.calls.caller import open_caller
    from fieldguide.models.calls.chat import Chat

    if spec.chat is None:
        raise ValueError("params.rewrite.chat is empty")
    chat = Chat(spec.chat, open_caller(paths.root))

    def by_chat(subtopic: Subtopic, name: str) -> str | Refused:
        if subtopic.topic.kind == "entity":
            return by_template(subtopic, name)
        reply = chat.ask(*chat_prompt(subtopic, name))
        return reply if isinstance(reply, Refused) else reply.text.strip().strip("\"'")

    return by_chat, f"chat:{chat.spec.model}"


def chat_prompt(subtopic: Subtopic, name: str) -> tuple[str, str]:
    """What a chat model is told of a subtopic of a comparison, about an entity of that name: system and user."""
    topic = subtopic.topic
    asked = {"question": topic.text, "entity": name, "part": topic.part}
    return _SYSTEM, json.dumps(asked, ensure_ascii=False)
