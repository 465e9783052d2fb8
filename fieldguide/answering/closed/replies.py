"""The part of a reply that states the answer, and its sentences as rules read them. Pure computation."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, NamedTuple

# A heading ("### Answer", "**Final answer:**", "Answer: ..."), \boxed{...}, <answer>; no white space across lines, and
# nothing optional twice in a row, so that no text takes more than a few steps a character.
_HEADING = re.compile(
    r"^[ \t>]*(?:(?:#+|\*\*)[ \t*_]*(?:final[ \t]+)?answer\b[ \t*_]*:?"
    r"|(?:the[ \t]+|my[ \t]+)?(?:final[ \t]+)?answer[ \t]*:)[ \t*_]*|\\boxed\{(?:\\text\{)?|<answer>",
    re.IGNORECASE | re.MULTILINE,
)
_CONCLUSION = re.compile(
    r"\banswer (?:is|would be|must be)\b:?"
    r"|(?:^|(?<=[.!?:] )|\n)(?:so(?! (?:do|does|did|is|are|has|have)\b)|thus|therefore|hence|overall|in conclusion"
    r"|conclusion|in short|in summary)\b[,:]?",
    re.IGNORECASE,
)
_ANSWER_KEY = re.compile(r"[\"'](?:final[ _])?answer[\"']\s*:", re.IGNORECASE)
_SECOND_THOUGHT = re.compile(
    r"[.!?,:;\n][ \t]*(?:oh,? |no,? |hmm,? |but )*"
    r"(?:wait|hold on|actually|correction|scratch that|on second thoughts?)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=\u3002)|\n+")
_SIGNS = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'} | dict.fromkeys(range(0x2010, 0x2016), "-") | {0x5F: " "}


# Characters from the end: no reply of a model is as long, and rules take seconds for a text of megabytes.
_LONGEST = 100_000


class StatedAnswer(NamedTuple):
    """What a reply states as its answer; `marked` where that is a part of its own, below a heading or in JSON."""

    text: str
    marked: bool


def stated_answer(reply: str) -> StatedAnswer:
    """`answer` of a JSON object, else what stands below the last heading "Answer", else the whole.

    What a model thinks aloud before it (`<think>`) is passed over; one that was cut off while it thought states none,
    and neither does a JSON object that has no answer.
    """
    text = reply[-_LONGEST:].rpartition("</think>")[2].strip()
    if "<think>" in text:
        return StatedAnswer("", True)
    if text.startswith(("{", "```")) or _ANSWER_KEY.search(text):
        held = _json_answer(text)
        if held is not None:
            return StatedAnswer(held, True)
    headings = list(_HEADING.finditer(text))
    return StatedAnswer(text[headings[-1].end() :].strip(), True) if headings else StatedAnswer(text, False)


def reasoning(reply: str) -> str:
    """What a reply says before the answer, without its heading; the whole, where the answer is no part of its own."""
    answer, marked = stated_answer(reply)
    if not marked:
        return reply.strip()
    before = reply[: reply.rfind(answer)] if answer else reply
    return re.sub(r"(?im)^[#* \t]*(?:reasoning|answer)\b[* \t]*:?[* \t]*", "", before).strip()


def conclusion(text: str) -> tuple[str, str] | None:
    """What stands before and behind the last "the answer is", "so" or "therefore"; None where nobody concludes."""
    found = list(_CONCLUSION.finditer(text))
    return (text[: found[-1].start()], text[found[-1].end() :].strip(" \t,:*_")) if found else None


def thinks_again(text: str) -> bool:
    """Whether a text takes back what it has said: "The pear. Wait, no: the apple"."""
    return _SECOND_THOUGHT.search(text) is not None


def plain(text: str) -> str:
    """Lower case without accents, emphasis, typographic signs and private characters; line breaks stay."""
    wide = unicodedata.normalize("NFKD", text)
    left_out = dict.fromkeys(ord(c) for c in set(wide) if c in "*`" or unicodedata.category(c) in ("Mn", "Co"))
    bare = wide.translate(_SIGNS | left_out)
    return re.sub(r"[^\S\n]+", " ", bare).casefold().strip()


def sentences(text: str, question: str) -> list[str]:
    """Those of a plain text that are no questions, in single words; without `question`, where it is repeated.

    Words and signs stand apart by one space, without articles, and with `not` for its short forms.
    """
    new = text.replace(question, "\n") if question else text
    told = [part for part in _SENTENCE.split(new) if part.strip()]
    return [_words(part) for part in told if not part.rstrip("\"') ").endswith("?")]


def _words(sentence: str) -> str:
    text = re.sub(r"n't\b|(?<=\bdon)t\b", " not", re.sub(r"\bcan(?:'?t|not)\b", "can not", sentence))
    words = re.findall(r"[\ue000-\uf8ff]|'s\b|i'[dm]\b|[^\W\ue000-\uf8ff]+(?:-[^\W\ue000-\uf8ff]+)*|[^\w\s]", text)
    return " ".join(word for word in words if word not in ("the", "a", "an"))


def _json_answer(text: str) -> str | None:
    """`answer` of a JSON object, whole or broken off; "" where an object has none; None where there is no object."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0:
        return None
    try:
        held: Any = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        keys = list(_ANSWER_KEY.finditer(text))
        broken = text[keys[-1].end() :].strip(" \t\n\"'{}`,") if keys else ""
        return broken if keys or text.startswith("{") else None
    named = {key.casefold().replace("_", " "): value for key, value in held.items()} if isinstance(held, dict) else {}
    value = named.get("answer", named.get("final answer", ""))
    if isinstance(value, list):
        return " and ".join(map(str, value))
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
