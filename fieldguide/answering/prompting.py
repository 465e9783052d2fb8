"""What an answerer that reads is told. One prompt for all contexts, so that they differ by what is shown alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fieldguide.answering.question import Question, Shown

ENDING = 'End with two parts, under the headings "### Reasoning" and "### Answer".'
SYSTEM = (
    "You answer questions about what things look like. Pictures of them may be shown. Look at each picture closely. "
    "Where a picture does not help, or none is shown, use what you know. Where a picture and what you know disagree, "
    "trust the picture. Compare the things one by one before you decide. Answer with yes or no, or with the name of "
    "one of the things in the question, as the question asks; if it cannot be decided, answer that you cannot tell. "
    + ENDING
)
# VisRet's procedure as its paper describes it (arXiv 2505.20291), in words of our own: it does not offer to abstain,
# and asks without images by another instruction, which asks for no reasoning.
PAPER = (
    "You are given a question and images. Look closely at the images. If an image is useless for the question, use "
    "your own knowledge. If an image and your knowledge conflict, trust the image. Compare step by step. " + ENDING
)
PAPER_ZERO_SHOT = "Answer the question with what you know. Be brief."


@dataclass(frozen=True)
class AnswerPrompt:
    """What is sent: the instruction, then texts and what is shown in order."""

    system: str
    parts: tuple[str | Shown, ...]


def prompt(question: Question) -> AnswerPrompt:
    """The question, then for each entity of which something is shown `Image related to: NAME` and what is shown."""
    parts = (question.topic.text, *_shown(question))
    if question.preset != "paper":
        return AnswerPrompt(SYSTEM, parts)
    return AnswerPrompt(PAPER if question.shown else PAPER_ZERO_SHOT, parts)


def _shown(question: Question) -> Iterator[str | Shown]:
    for entity in question.entities:
        pictures = [shown for shown in entity.shown if shown.kind != "caption"]
        if pictures:
            yield f"Image related to: {entity.name}"
            yield from pictures
        for caption in entity.shown:
            if caption.kind == "caption":
                yield f"Description of an image related to: {entity.name}\n{caption.payload}"
