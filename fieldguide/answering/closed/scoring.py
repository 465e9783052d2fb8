"""Closed answers, read by rules: yes or no, or one of the entities that the question names. Pure computation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from fieldguide.answering.closed.choices import chosen, marked_names, starts_with_choice
from fieldguide.answering.closed.replies import conclusion, plain, sentences, stated_answer, thinks_again
from fieldguide.answering.closed.verdicts import NO, YES, about_all, opening, verdicts
from fieldguide.records.topics import Topic

YES_NO_FORMS = frozenset({"both", "truth"})
CHOOSING_FORMS = frozenset({"which", "which-not"})

_TELL = r"(?:tell|told|say|said|know|known|judged?|answer|answered|determined?|decided?|conclude|be sure)"
_SEE = r"(?:see|seen|view|identif\w+|confirm\w*|verif\w+|help|assist|provide)"
_UNABLE = r"(?:(?:can|could) not|unable to|(?:impossible|not possible|not able|hard|difficult) to) (?:be )?(?:\w+ly )?"
# Whoever says this does not answer, also where a guess follows.
_ABSTAINED = re.compile(
    rf"\b{_UNABLE}{_TELL}\b|\b(?:do|does|did) not know\b|\bnot sure\b|\bunsure\b|\buncertain\b|\bno idea\b|\bno way"
    r" (?:to|of)\b|\bundetermined\b|\bindeterminate\b|\binconclusive\b|^n /(?= [.,]|$)|\bit depends\b|^unknown\b"
)
# This says what is not seen; an answer may follow all the same.
_UNSEEN = re.compile(
    rf"\b(?:{_UNABLE}|(?:do|did) not ){_SEE}\b|\b(?:do|does) not (?:show|provide|contain|give)\b"
    r"|\bunclear\b|\bnot clear\b|\bunknown\b|\bnot enough\b|\binsufficient\b|\bnot (?:\w+ly )?sure\b"
)
_SORRY = re.compile(r"\bsorry\b|\bapologi[sz]e\b")
# No rule here tells which of them is meant.
_POINTS = re.compile(r"\bother one\b|\b(?:former|latter)\b|\bless \w+ than\b")
_NEGATIVE = re.compile(r"\b(?:not?|without|lacks?)\b|n't\b")
_MENTION = re.compile("[\ue000-\uf8ff]")


@dataclass(frozen=True)
class AnswerReading:
    """What a reply says: `said` is yes, no or an entity_id; `what` says whether it could be read off."""

    what: Literal["said", "abstained", "unparseable"]
    said: str | None = None


ABSTAINED, UNPARSEABLE = AnswerReading("abstained"), AnswerReading("unparseable")


def names_of(entities: pd.DataFrame) -> dict[str, list[str]]:
    """Name and aliases by entity_id, the name first; of records.ENTITIES."""
    rows = entities[["entity_id", "name", "aliases"]].itertuples(index=False, name=None)
    return {entity: [name, *aliases] for entity, name, aliases in rows}


def habits(topics: Iterable[Topic], references: Mapping[str, str]) -> dict[tuple[str, int], Counter[str]]:
    """How often each answer is right, by form and number of entities.

    An answer is yes or no (then entities are not counted), or the place from 0 of an entity in the question.
    """
    found: dict[tuple[str, int], Counter[str]] = {}
    for topic in topics:
        right = references.get(topic.topic_id)
        if right is not None:
            place = right if topic.form in YES_NO_FORMS else str(topic.entities.index(right))
            found.setdefault(form_of(topic), Counter())[place] += 1
    return found


def form_of(topic: Topic) -> tuple[str, int]:
    """The form, with the number of entities where one of them is the answer."""
    return topic.form, len(topic.entities) if topic.form in CHOOSING_FORMS else 0


def references_of(topics: Iterable[Topic], names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The right answer by topic_id, of the topics that have a closed one."""
    known = ((topic.topic_id, reference(topic, names)) for topic in topics)
    return {topic_id: right for topic_id, right in known if right is not None}


def reference(topic: Topic, names: Mapping[str, Sequence[str]]) -> str | None:
    """The right answer of a closed question: yes, no or an entity_id; None for questions that have none.

    Args:
        topic: whose `answer` is in words.
        names: of each entity, the one that reference answers use first.
    """
    said = stated_by(topic.answer, topic.entities, {e: names.get(e, [e])[:1] for e in topic.entities})
    if topic.form in YES_NO_FORMS:
        return said if said in (YES, NO) else None
    return said if topic.form in CHOOSING_FORMS and said in topic.entities else None


def stated_by(answer: str, entities: Sequence[str], names: Mapping[str, Sequence[str]]) -> str | None:
    """What a reference answer states: yes or no where it begins so, else the one entity that it names; else None."""
    text = plain(answer)
    if found := re.match(rf"({YES}|{NO})\b", text):
        return found[1]
    marked, known = marked_names(text, entities, names)
    said = {known.get(mention) for mention in _MENTION.findall(marked)}
    return said.pop() if len(said) == 1 else None


def read_answer(reply: str, topic: Topic, names: Mapping[str, Sequence[str]]) -> AnswerReading:
    """What a reply says to a closed question.

    Where the answer is a part of its own, the first of its sentences that answers counts; where it is not, no other
    sentence may answer otherwise. Saying that one cannot tell is `abstained`, also where a guess follows. What names
    none, several, or both polarities, and what takes back what it said, is `unparseable`: rather that than a guess.

    Args:
        reply: the answerer's words.
        topic: of the forms `YES_NO_FORMS` and `CHOOSING_FORMS`.
        names: name and aliases of every entity; those that the question does not name are no answers.
    """
    text, marked = stated_answer(reply)
    parts = None if marked else conclusion(text)
    if thinks_again(text if parts is None else parts[1]):
        return UNPARSEABLE
    if parts is not None:
        before, end = (_Told.of(part, topic, names) for part in parts)
        last = end.read(marked=True)
        if last.what == "said":
            # Reasons may name the other one, unless the end could be one more of them: "So the orange is smooth."
            first = before.outright() if end.outright() else before.read(marked=False).said
            return last if first in (None, last.said) else UNPARSEABLE
    return _Told.of(text, topic, names).read(marked)


@dataclass(frozen=True)
class _Told:
    """Sentences of an answer, with the entity of each character that stands for a name.

    `wants`: what is asked is what something is not or has not: "Which one has no net?" `every`: whether all have it.
    """

    sentences: list[str]
    known: Mapping[str, str]
    verdict: bool
    wants: bool = False
    every: bool = False

    @classmethod
    def of(cls, text: str, topic: Topic, names: Mapping[str, Sequence[str]]) -> _Told:
        if topic.form in YES_NO_FORMS:
            every = topic.form == "both" and not _NEGATIVE.search(plain(topic.text))
            return cls(sentences(plain(text), plain(topic.text)), {}, True, every=every)
        question, _ = marked_names(plain(topic.text), topic.entities, names)
        named, known = marked_names(plain(text), topic.entities, names)
        wants = topic.form == "which-not" or _NEGATIVE.search(question) is not None
        return cls(sentences(named, question), known, False, wants)

    def outright(self) -> str | None:
        """The answer that it begins with, if it does so outright: "Yes" or "The satsuma"."""
        if not self.sentences:
            return None
        first = self.sentences[0]
        return opening(first) if self.verdict else self.known.get(starts_with_choice(first) or "")

    def read(self, marked: bool) -> AnswerReading:
        if self.verdict:
            return _read_verdict(self.sentences, marked, self.every)
        return _read_choice(self.sentences, marked, self.wants, self.known)


def _read_verdict(told: Sequence[str], marked: bool, every: bool) -> AnswerReading:
    for place, sentence in enumerate(told):
        if opening(sentence) is None and _ABSTAINED.search(sentence):
            return ABSTAINED
        found = verdicts(sentence) or (about_all(sentence) if every else set())
        if not found:
            continue
        if not marked:
            found = found.union(*map(verdicts, told[place + 1 :]))
        return AnswerReading("said", found.pop()) if len(found) == 1 else UNPARSEABLE
    return _unsaid(told)


def _read_choice(told: Sequence[str], marked: bool, wants: bool, known: Mapping[str, str]) -> AnswerReading:
    if told and (first := starts_with_choice(told[0])) is not None:
        others = {starts_with_choice(later) for later in told[1:]} - {None, first} if not marked else set()
        return UNPARSEABLE if others or first not in known else AnswerReading("said", known[first])
    if len(set(re.findall("([\ue000-\uf8ff]) :(?! (?:yes|no)\\b)", " ".join(told)))) > 1:  # a list of what each is like
        return UNPARSEABLE
    found: list[frozenset[str]] = []
    for sentence in told:
        before = _MENTION.split(sentence)[0].rpartition(" but ")[2]
        if _POINTS.search(sentence):
            return UNPARSEABLE
        if _ABSTAINED.search(sentence) or (before != sentence and _UNSEEN.search(before)):
            return UNPARSEABLE if found else ABSTAINED
        found += [some] if (some := chosen(sentence, wants)) else []
        if found and marked and not wants:
            break
    if not found:
        return _unsaid(told)
    # In a question for what is not so, "one has it; the other has not" answers with the other.
    denied = frozenset[str]().union(*(chosen(sentence, wants, denied=True) for sentence in told)) if wants else None
    said = denied or (found[0] if marked else frozenset[str]().union(*found))
    (only,) = said if len(said) == 1 else ("",)
    return AnswerReading("said", known[only]) if only in known else UNPARSEABLE


def _unsaid(told: Sequence[str]) -> AnswerReading:
    silent = any(pattern.search(sentence) for pattern in (_ABSTAINED, _UNSEEN, _SORRY) for sentence in told)
    return ABSTAINED if silent and not any(map(_MENTION.search, told)) else UNPARSEABLE
