"""Questions put by a chat model, held to the same rules as those of the templates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fieldguide.core.english import stems, words
from fieldguide.core.streaming import map_ahead
from fieldguide.models.calls.caller import Caller
from fieldguide.models.calls.chat import Chat, Reply
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.topics.questions import (
    COMPARING,
    CandidateQuestion,
    QuestionSubject,
    reference_answer,
    subject_refusal,
)
from fieldguide.queries.topics.section import Compose
from fieldguide.records.topics import Refusal

_SHOWN = 200
_SYSTEM = """\
You write questions for a benchmark that compares entities by what can be seen on photographs of them.
You are given a group of entities with their known features as JSON. Use nothing else.
Forms:
- which: which one has the value (exactly one of them does); the answer is its id
- which-not: which one does not have the value (exactly one does not); the answer is its id
- both: whether all of them have the value (at least one does); the answer is yes or no
- truth: whether the entity named first, and none of the others, has the value (exactly one does); yes or no
Each question names every entity of the group by its `name`, once, in the order of `entities`, and holds the words
of the value; it is one sentence and ends with a question mark.
Vary forms, features, answers and the order of naming. Reply with one JSON object and nothing else:
{"questions": [
  {"form": "...", "text": "...", "entities": ["id", "..."], "feature": "...", "value": "...", "answer": "..."}
]}
"""


class _Question(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    form: str
    text: Annotated[str, Field(min_length=8, max_length=400, pattern=r"^[^\x00-\x1f]+\?$")]
    entities: Annotated[list[str], Field(min_length=2, max_length=8)]
    feature: str
    value: str
    answer: str


class _Questions(BaseModel):
    questions: Annotated[list[dict[str, Any]], Field(max_length=100)]


def compose_by_chat(
    params: Compose, of_groups: Sequence[list[QuestionSubject]], called: Mapping[str, Sequence[str]], calls: Caller
) -> Iterator[list[CandidateQuestion | Refusal]]:
    """Ask for `per_group` questions about each group; yields what became of them, in the order of the groups.

    Raises:
        FieldguideError: the endpoint cannot be used.
    """
    if params.chat is None:
        raise ValueError("params.compose.chat is empty")
    chat = Chat(params.chat, calls)

    def of_group(subjects: list[QuestionSubject]) -> list[CandidateQuestion | Refusal]:
        usable = _usable(subjects, called)
        refusals = (subject_refusal(subject, called) for subject in subjects)
        found: list[CandidateQuestion | Refusal] = [refusal for refusal in refusals if refusal]
        if usable:
            reply = chat.ask(_SYSTEM, _prompt(params, usable, called))
            found += _read_reply(reply, params, usable, called, chat.spec.model)
        return found

    threads = params.chat.concurrency
    yield from map_ahead(of_group, of_groups, threads=threads, window=threads)


def chat_prompts(
    params: Compose, of_groups: Sequence[list[QuestionSubject]], called: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """What a chat model is told of each group with any usable feature: system and user; at most so much is asked."""
    for subjects in of_groups:
        usable = _usable(subjects, called)
        if usable:
            yield _SYSTEM, _prompt(params, usable, called)


def _usable(subjects: Sequence[QuestionSubject], called: Mapping[str, Sequence[str]]) -> dict[str, QuestionSubject]:
    return {subject.feature: subject for subject in subjects if subject_refusal(subject, called) is None}


def _prompt(params: Compose, usable: Mapping[str, QuestionSubject], called: Mapping[str, Sequence[str]]) -> str:
    any_subject = next(iter(usable.values()))
    entities = [
        {"id": entity, "name": called[entity][0], "features": {f: s.values[entity] for f, s in usable.items()}}
        for entity in any_subject.entities
    ]
    wanted = {"questions_wanted": params.per_group, "forms": params.forms, "seed": params.seed, "entities": entities}
    return json.dumps(wanted, ensure_ascii=False)


def _read_reply(
    reply: Reply | Refused,
    params: Compose,
    usable: Mapping[str, QuestionSubject],
    called: Mapping[str, Sequence[str]],
    model: str,
) -> Iterator[CandidateQuestion | Refusal]:
    group_id = next(iter(usable.values())).group_id
    if isinstance(reply, Refused):
        yield Refusal(group_id, "model-refused", reply.reason[:_SHOWN])
        return
    try:
        questions = _Questions.model_validate_json(_unfenced(reply.text)).questions
    except ValidationError as error:
        yield Refusal(group_id, "invalid-reply", f"{error.errors()[0]['msg']}: {reply.text[:_SHOWN]!r}")
        return
    seen = set()
    for raw in questions:
        try:
            question = _Question.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            yield Refusal(group_id, "invalid-reply", f"`{first['loc'][0]}`: {first['msg']}: {str(raw)[:_SHOWN]}")
            continue
        found = _checked(question, params, usable, called, model)
        if isinstance(found, CandidateQuestion) and found.meaning in seen:
            found = Refusal(question.text, "duplicate", "asks the same as another question about the group")
        if isinstance(found, CandidateQuestion):
            seen.add(found.meaning)
        yield found


def _checked(
    question: _Question,
    params: Compose,
    usable: Mapping[str, QuestionSubject],
    called: Mapping[str, Sequence[str]],
    model: str,
) -> CandidateQuestion | Refusal:
    """The question as a candidate, or the first reason against it."""
    for reason, detail in _objections(question, params, usable, called):
        return Refusal(question.text, reason, detail)
    order, provenance = tuple(question.entities), {"composer": "chat", "model": model, "seed": params.seed}
    subject, answer = usable[question.feature], question.answer.casefold()
    return CandidateQuestion(subject, question.form, order, question.value, answer, question.text, provenance)


def _objections(
    question: _Question, params: Compose, usable: Mapping[str, QuestionSubject], called: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """(reason, detail) of what is against a question; each may rest on those before it not being raised."""
    text, order = question.text, question.entities
    subject = usable.get(question.feature)
    if question.form not in params.forms:
        yield "unknown-form", f"{question.form!r}; allowed: {', '.join(params.forms)}"
    if subject is None:
        yield "attribute-unknown", f"{question.feature!r} was not given; given: {', '.join(usable)}"
        return
    if tuple(sorted(order)) != subject.entities:
        yield "unknown-entity", f"{', '.join(order)}; the group is {', '.join(subject.entities)}"
    places = [_find(words(text), words(called[entity][0])) for entity in order]
    if -1 in places or places != sorted(places):
        yield "names-not-as-listed", "it must name every entity in the order of `entities`"
    if question.value not in subject.values.values():
        known = ", ".join(sorted(set(subject.values.values())))
        yield "unknown-value", f"{question.value!r} is no value of {question.feature}: {known}"
    if not set(stems(question.value)) <= set(stems(text)):
        yield "value-not-named", f"the question does not hold the value {question.value!r}"
    if subject.compared and question.form not in COMPARING:
        yield "compared", "of two measures one is always the greater: ask which, or for a truth"
    answer = reference_answer(question.form, order, subject.values, question.value)
    if answer is None:
        yield "not-distinguishing", f"the values allow no such question: {dict(subject.values)}"
    elif question.answer.casefold() != answer:
        yield "wrong-answer", f"the model says {question.answer!r}; by the attributes it is {answer!r}"


def _find(text: Sequence[str], name: Sequence[str]) -> int:
    """Where a name begins among the words of a text; -1 if it is not there."""
    lowered, wanted = [word.casefold() for word in text], [word.casefold() for word in name]
    return next((i for i in range(len(lowered)) if lowered[i : i + len(wanted)] == wanted), -1)


def _unfenced(text: str) -> str:
    """Without the code fence that models like to put around JSON."""
    return text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
