"""Free answers scored by models: several judges, the median; a judge that fails is no score of zero."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fieldguide.answering.section import JudgeModels
from fieldguide.models.calls.caller import UnansweredError, open_caller
from fieldguide.models.calls.chat import Chat, Prompt, Reply
from fieldguide.models.loading.protocols import Refused

SYSTEM = (
    "You grade answers. You are given a question, the reference answer, and an answer to be graded. Judge only whether "
    "the answer agrees with the reference; how it is worded does not matter. Reply with a line of reasoning, then a "
    "last line `Score: X`, where X is a number from 0 (wrong, contradicts the reference, or does not answer) to 1 "
    "(says all that the reference says); part of what the reference says earns a part. Take nothing off for what is "
    "said besides, unless it contradicts the reference. An answer that it does not know or cannot tell: "
    "`Score: abstained`."
)
# VisRet's judge as its paper describes it (arXiv 2505.20291), in words and with examples of our own.
PAPER = (
    "You grade answers. You are given a question, the reference answer, and an answer. Give a score from 0 to 1, with "
    "partial credit where only some of the reference is said. Take 0.5 off for features that are not in the reference. "
    "An answer that it does not know is wrong: 0. Reply with `Score: X` as the last line.\n\n"
    "Question: Which of the two has a forked tail: a kite or a buzzard?\nReference: The kite.\n"
    "Answer: The kite has a forked tail, the buzzard a rounded one.\nScore: 1\n\n"
    "Question: What colour are the legs and the bill of the stilt?\nReference: Pink legs and a black bill.\n"
    "Answer: Its legs are pink.\nScore: 0.5\n\n"
    "Question: Does the jay have a crest?\nReference: Yes.\nAnswer: I don't know.\nScore: 0"
)
# Its scale, with what is taken off an answer that is wrong.
PAPER_LEAST = -0.5
_SCORE = re.compile(
    r"score\s*[*_`]*\s*[:=]\s*[*_`]*\s*(abstain(?:ed)?|[-+]?\d+(?:\.\d+)?(?:\s*/\s*\d+)?)", re.IGNORECASE
)


@dataclass(frozen=True)
class Verdict:
    """What the judges say. `score` is from 0 to 1; None where too few of them gave one, for the reason `reason`."""

    score: float | None
    abstained: bool
    by: str
    reason: str | None = None
    cost: float = 0.0


class Judges:
    """The judges of a section, each asked once for an answer."""

    def __init__(self, section: JudgeModels, root: Path) -> None:
        self._section, self._root = section, root
        self.preset = section.preset
        self.name = ", ".join(chat.model for chat in section.chats)

    def __reduce__(self) -> tuple[type[Judges], tuple[JudgeModels, Path]]:
        return Judges, (self._section, self._root)

    @cached_property
    def _chats(self) -> list[Chat]:
        calls = open_caller(self._root)
        return [Chat(chat, calls) for chat in self._section.chats]

    def prompt(self, question: str, reference: str, answer: str) -> Prompt:
        """What each judge is told."""
        user = f"Question: {question}\nReference: {reference}\nAnswer: {answer}"
        return Prompt(PAPER if self.preset == "paper" else SYSTEM, user)

    def score(self, asked: Sequence[tuple[str, str, str]]) -> list[Verdict]:
        """A verdict for each (question, reference answer, answer)."""
        prompts = [self.prompt(*one) for one in asked]
        columns = [list(chat.ask_each(prompts)) for chat in self._chats]
        least = PAPER_LEAST if self.preset == "paper" else 0.0
        return [combined([column[n] for column in columns], self.name, least) for n in range(len(prompts))]


def combined(replies: Sequence[Reply | Refused | UnansweredError], by: str, least: float = 0.0) -> Verdict:
    """The median of the judges' scores; none where half of them or more gave none. Most abstained: it abstained."""
    read = [read_score(reply.text, least) if isinstance(reply, Reply) else None for reply in replies]
    cost = sum(reply.cost for reply in replies if isinstance(reply, Reply))
    given = [score for score in read if score is not None]
    if 2 * len(given) <= len(replies):
        return Verdict(None, False, by, _why(replies, read), cost)
    abstained = [score for score in given if score == "abstained"]
    if 2 * len(abstained) > len(given):
        return Verdict(0.0, True, by, None, cost)
    return Verdict(statistics.median(0.0 if s == "abstained" else float(s) for s in given), False, by, None, cost)


def read_score(reply: str, least: float = 0.0) -> float | str | None:
    """The last `Score: X` of a judge's reply: 0 to 1, `abstained`, or None where there is no such number.

    A number beyond `least` and 1 is none: who scores 7 has read another scale. One below 0 counts as 0.
    """
    found = _SCORE.findall(reply)
    if not found:
        return None
    last = found[-1].casefold()
    if last.startswith("abstain"):
        return "abstained"
    number, _, scale = last.replace(" ", "").partition("/")
    if scale and float(scale) == 0:
        return None
    value = float(number) / (float(scale) if scale else 1.0)
    return max(0.0, value) if least <= value <= 1 else None


def paper_score(reply: str) -> float:
    """The score as the published procedure reads it: -0.5 to 1, and 0 where it cannot be read.

    Kept beside `read_score` to show what that does to a mean; no figure of ours uses it.
    """
    found = re.findall(r"score\s*:\s*(-?\d+(?:\.\d+)?)", reply, re.IGNORECASE)
    return float(found[-1]) if found else 0.0


def _why(replies: Sequence[Reply | Refused | UnansweredError], read: Sequence[float | str | None]) -> str:
    reasons = []
    for reply, score in zip(replies, read, strict=True):
        if isinstance(reply, Reply):
            reasons += [] if score is not None else [f"{reply.model} gave no score"]
        else:
            reasons.append(reply.reason if isinstance(reply, Refused) else str(reply))
    return "; ".join(reasons)
