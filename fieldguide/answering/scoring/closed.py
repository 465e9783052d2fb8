"""Closed answers, read by rules: yes or no, or one of the entities that the question names. Pure computation."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fieldguide.records.topics import Topic

YES, NO = "yes", "no"
YES_NO_FORMS = frozenset({"both", "truth"})
CHOOSING_FORMS = frozenset({"which", "which-not"})

_HEADING = re.compile(r"^[#*\s]*answer\b[*\s]*:?[*\s]*", re.IGNORECASE | re.MULTILINE)
_VERDICT = re.compile(r"(yes|no|true|false|correct|incorrect)\b", re.IGNORECASE)
_POLARITY = {"yes": YES, "true": YES, "correct": YES, "no": NO, "false": NO, "incorrect": NO}
_ABSTAINED = re.compile(
    r"\b(?:can ?not|can'?t|could not|couldn'?t|(?:unable|impossible|not possible|not able|hard|difficult) to)\s+"
    r"(?:be\s+)?(?:clearly\s+|really\s+|reliably\s+)?"
    r"(?:tell|say|see|know|judge|answer|determine|identif|decide|confirm|verif)"
    r"|\b(?:do not|don'?t|does not|doesn'?t) (?:know|provide enough|contain enough|show enough)"
    r"|\bnot sure\b|\bunsure\b|\buncertain\b|\bunclear\b|\bunknown\b|\bno idea\b|\bnot enough\b|\binsufficient\b"
    r"|\binconclusive\b|\bsorry\b|^\s*n/?a\b",
    re.IGNORECASE,
)
# What stands behind one of these is not what is chosen: "the satsuma, not the orange", "rather than the orange".
_CONTRAST = re.compile(
    r"\b(?:not|rather than|instead of|unlike|whereas|while|than|but|compared (?:to|with)|as opposed to)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class AnswerReading:
    """What a reply says: `said` is yes, no or an entity_id; `what` says whether it could be read off."""

    what: Literal["said", "abstained", "unparseable"]
    said: str | None = None


def reference(topic: Topic, names: Mapping[str, Sequence[str]]) -> str | None:
    """The right answer of a closed question: yes, no or an entity_id; None for questions that have none.

    Args:
        topic: whose `answer` is in words.
        names: of each entity, the one that reference answers use first.
    """
    answer = topic.answer.casefold()
    if topic.form in YES_NO_FORMS:
        found = re.match(r"(yes|no)\b", answer)
        return found[1] if found else None
    if topic.form not in CHOOSING_FORMS:
        return None
    chosen = _named(answer, {entity: names.get(entity, [entity])[:1] for entity in topic.entities})
    return chosen[0] if len(chosen) == 1 else None


def final_answer(reply: str) -> str:
    """The part of a reply that states the answer.

    `answer` of a JSON object, else what stands below the last heading "Answer", else the whole.
    """
    text = reply.strip()
    fenced = re.fullmatch(r"```(?:json)?\s*(\{.*\})\s*```", text, re.DOTALL)
    try:
        held = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        held = None
    if isinstance(held, dict) and isinstance(held.get("answer"), str):
        return str(held["answer"]).strip()
    headings = list(_HEADING.finditer(text))
    return text[headings[-1].end() :].strip() if headings else text


def reasoning(reply: str) -> str:
    """What a reply says before the answer, without its heading; the whole, where the answer is no part of its own."""
    answer = final_answer(reply)
    before = reply[: reply.rfind(answer)] if answer else reply
    text = re.sub(r"(?im)^[#*\s]*(?:reasoning|answer)\b[*\s]*:?[*\s]*", "", before).strip()
    return text if answer != reply.strip() else reply.strip()


def read_answer(reply: str, topic: Topic, names: Mapping[str, Sequence[str]]) -> AnswerReading:
    """What a reply says to a closed question.

    The first sentence of the answer counts, and where it says nothing the whole. Saying that one cannot tell is
    `abstained`; naming none, several or both polarities is `unparseable`.
    """
    answer = _plain(final_answer(reply))
    if not answer:
        return AnswerReading("unparseable")
    pieces = [_SENTENCE.split(answer)[0], answer]
    if topic.form in YES_NO_FORMS:
        return _read_verdict(pieces)
    return _read_choice(pieces, {entity: names.get(entity, [entity]) for entity in topic.entities})


def _read_verdict(pieces: Sequence[str]) -> AnswerReading:
    opening = _VERDICT.match(pieces[0].lstrip(" *_\"'(`"))
    if opening is None and any(_ABSTAINED.search(piece) for piece in pieces):
        return AnswerReading("abstained")
    for piece in pieces:
        found = {_POLARITY[word.casefold()] for word in _verdicts(piece)}
        if len(found) == 1:
            return AnswerReading("said", found.pop())
        if found:
            break
    return AnswerReading("unparseable")


def _verdicts(text: str) -> list[str]:
    """Words of a verdict; `no` counts at the beginning of a clause alone, for "there is no net" denies a net."""
    found = [word for word in _VERDICT.findall(text) if word.casefold() != NO]
    return found + re.findall(
        r"(?:^|[.!?:;,*\"'(]\s*|\b(?:is|and|or)\s+)(no)\b(?=\s*(?:[.,;:!?*\"')]|$|and\b|or\b))", text, re.IGNORECASE
    )


def _read_choice(pieces: Sequence[str], names: Mapping[str, Sequence[str]]) -> AnswerReading:
    if _ABSTAINED.search(pieces[0]):
        return AnswerReading("abstained")
    for piece in pieces:
        whole = _named(piece, names)
        if len(whole) == 1:
            return AnswerReading("said", whole[0])
        before = _named(_CONTRAST.split(piece)[0], names)
        if len(before) == 1:
            return AnswerReading("said", before[0])
        if whole:
            return AnswerReading("unparseable")
    return AnswerReading("abstained" if _ABSTAINED.search(pieces[-1]) else "unparseable")


def _named(text: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """The entities that a text names; a name inside a longer one that is there too is not named by itself."""
    plain = _plain(text).casefold()
    pairs = [(entity, _plain(name).casefold()) for entity, own in names.items() for name in own if name.strip()]
    found: dict[str, None] = {}
    for entity, name in sorted(pairs, key=lambda pair: (-len(pair[1]), pair)):
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?:e?s)?(?!\w)")
        if pattern.search(plain):
            found[entity] = None
            plain = pattern.sub(" ", plain)
    return [entity for entity in names if entity in found]


def _plain(text: str) -> str:
    """Without accents, emphasis and typographic signs, in single spaces but for line breaks."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    bare = bare.translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2010: "-", 0x2011: "-", 0x2013: "-"})
    return re.sub(r"[^\S\n]+", " ", re.sub(r"[*_`]+", "", bare)).strip()
