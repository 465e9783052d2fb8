"""What a browser is given: pages, rulings and questions as JSON of plain texts, the guidelines as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from fieldguide.annotation.correspondence.log import AssessorQuestion, Line, QuestionReply, RulingReason
from fieldguide.annotation.form.composer import Composer
from fieldguide.annotation.form.images import CannotShowError
from fieldguide.annotation.form.template import instructions
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.votes import Pair, rulings, votes
from fieldguide.annotation.planning.disputes import BROKEN
from fieldguide.annotation.planning.pages import PlanPage
from fieldguide.annotation.planning.section import GRID
from fieldguide.annotation.progress.snapshot import Snapshot
from fieldguide.annotation.serving.training import TrainingImage
from fieldguide.annotation.sync.push_inputs import PushInputs


@dataclass(frozen=True)
class _Addresses:
    """Images as these pages serve them."""

    inputs: PushInputs

    def references(self, entity_id: str) -> tuple[str, ...]:
        return self.inputs.pictures.references(entity_id)

    def address(self, image_id: str, *, reference: bool = False) -> str:
        if image_id in {image for _, image in self.inputs.now.impossible}:
            raise CannotShowError("it cannot be shown")
        return image_address(image_id)


@dataclass(frozen=True)
class PageViews:
    """What a browser is given; `lines` of correspondence.jsonl."""

    inputs: PushInputs
    lines: Sequence[Line]

    @cached_property
    def _composer(self) -> Composer:
        return self.inputs.composer(_Addresses(self.inputs))

    def references(self, entity_id: str) -> tuple[str, ...]:
        """Images that surely show the entity."""
        return self.inputs.pictures.references(entity_id)

    def page(self, page: PlanPage) -> dict[str, Any]:
        """A page of the plan, without answers."""
        now, first = self.inputs.now, page.rows[0]
        addresses = {row.position: image_address(row.image_id) for row in page.rows if row.pair not in now.impossible}
        shown = self._composer.shown(page, addresses)
        adjudicates = first.purpose == "adjudicate"
        guideline = now.guidelines[first.guideline]
        return {
            "key": page.key, "kind": "page", "form": self._form(len(page.rows), adjudicates=adjudicates),
            "question": shown.question, "entity": shown.entity, "feature": shown.feature, "part": shown.part,
            "references": list(shown.references), "images": list(shown.images),
            "guesses": list(shown.guesses), "adjudicates": adjudicates, "broken": _broken(guideline),
            "none": next((choice for choice, grade in guideline.choices.items() if grade == 0), None),
            "votes": [sorted(Counter(given).items()) for given in shown.votes],
            "notes": self._notes(first.pair) if adjudicates else [],
        }  # fmt: skip

    def training(self, images: Sequence[TrainingImage], number: int) -> dict[str, Any]:
        """A page of a round of training."""
        now = self.inputs.now
        subtopic = now.subtopics[images[0].subtopic_id]
        names = self._composer.names
        return {
            "key": f"training-{number}-{images[0].subtopic_id}-{images[0].image_id}", "kind": "training",
            "form": self._form(len(images), adjudicates=False) if len(images) == 1 else "grid",
            "question": subtopic.topic.text, "entity": names.get(subtopic.entity_id, subtopic.entity_id),
            "feature": subtopic.topic.feature, "part": subtopic.topic.part,
            "references": [image_address(i) for i in self.references(subtopic.entity_id)],
            "images": [image_address(image.image_id) for image in images],
            "guesses": [], "adjudicates": False, "broken": _broken(now.guideline), "votes": [], "notes": [],
            "pairs": [image.pair for image in images],
        }  # fmt: skip

    def _form(self, images: int, *, adjudicates: bool) -> str:
        """By how many images there are first: a grid that was planned before `form: pick` stays one."""
        if images == 1 or adjudicates:
            return "single"
        annotate = self.inputs.now.annotate
        return "pick" if images > GRID or (annotate.form == "pick" and annotate.page <= GRID) else "grid"

    def _notes(self, pair: Pair) -> list[dict[str, Any]]:
        """What was asked or flagged about an image, without names."""
        return [
            {"flag": line.said.flag, "text": line.said.text, "replies": [r.text for r in self._replies(line.seq)]}
            for line in self.lines
            if isinstance(line.said, AssessorQuestion) and (line.said.subtopic_id, line.said.image_id) == pair
        ]

    def _replies(self, seq: int) -> list[QuestionReply]:
        return [line.said for line in self.lines if isinstance(line.said, QuestionReply) and line.said.question == seq]

    def questions(self, person: str) -> list[dict[str, Any]]:
        """A person's questions with their replies, the latest first."""
        found = [line for line in self.lines if isinstance(line.said, AssessorQuestion) and line.said.by == person]
        return [
            {
                "seq": line.seq, "at": line.said.at, "flag": line.said.flag, "text": line.said.text,
                "image": image_address(line.said.image_id) if line.said.image_id else None,
                "replies": [{"at": r.at, "text": r.text} for r in self._replies(line.seq)],
            }
            for line in reversed(found)
            if isinstance(line.said, AssessorQuestion)
        ]  # fmt: skip

    def rulings(self, person: str, now: Snapshot) -> Iterator[dict[str, Any]]:
        """Rulings on images that a person judged, the latest first; where reasons were given, with them."""
        said, reasons = votes(now.counted), self._reasons
        ruled = sorted(rulings(now.counted).items(), key=lambda item: item[1].seq, reverse=True)
        for pair, ruling in ruled:
            own = said.get(pair, {}).get(person)
            subtopic = now.subtopics.get(pair[0])
            if own is None or subtopic is None:
                continue
            yield {
                "question": subtopic.topic.text, "image": image_address(pair[1]),
                "entity": self._composer.names.get(subtopic.entity_id, subtopic.entity_id),
                "feature": subtopic.topic.feature, "yours": own.choice, "ruling": ruling.choice,
                "same": own.choice == ruling.choice, "at": ruling.judged_at,
                "reason": reasons[pair].text if pair in reasons else None,
            }  # fmt: skip

    @cached_property
    def _reasons(self) -> dict[Pair, RulingReason]:
        found = [line.said for line in self.lines if isinstance(line.said, RulingReason)]
        return {(one.subtopic_id, one.image_id): one for one in found}

    def guidelines(self, guideline: Guideline) -> str:
        """The guidelines as HTML, with rulings as examples of each grade and with answered questions for everybody."""
        made = Markup(instructions(guideline))  # noqa: S704 - HTML that was made from Markdown without HTML in it
        return str(made + self._examples(guideline) + self._answered())

    def _examples(self, guideline: Guideline) -> Markup:
        reasons = [reason for reason in self._reasons.values() if reason.example]
        parts = []
        for answer in guideline.answers:
            shown = [reason for reason in reasons if reason.choice == answer.choice]
            figures = [
                Markup('<figure><img src="{}" alt="" loading="lazy"><figcaption>{}{}</figcaption></figure>').format(
                    image_address(reason.image_id), self._about(reason.subtopic_id), reason.text
                )
                for reason in shown
            ]
            if figures:
                parts.append(Markup("<h2>{}</h2><div class=examples>{}</div>").format(answer.label, _joined(figures)))
        return Markup("<h1>Examples</h1>{}").format(_joined(parts)) if parts else Markup()

    def _about(self, subtopic_id: str) -> Markup:
        subtopic = self.inputs.now.subtopics.get(subtopic_id)
        if subtopic is None:
            return Markup()
        entity = self._composer.names.get(subtopic.entity_id, subtopic.entity_id)
        return Markup("<b>{}: {}</b> ").format(entity, subtopic.topic.feature)

    def _answered(self) -> Markup:
        asked = {line.seq: line.said for line in self.lines if isinstance(line.said, AssessorQuestion)}
        shown = [
            Markup("<dt>{}{}</dt><dd>{}</dd>").format(
                self._about(asked[reply.question].subtopic_id), asked[reply.question].text, reply.text
            )
            for line in self.lines
            if isinstance(reply := line.said, QuestionReply) and reply.faq and reply.question in asked
        ]
        return Markup("<h1>Questions and answers</h1><dl>{}</dl>").format(_joined(shown)) if shown else Markup()


def image_address(image_id: str) -> str:
    """Where these pages serve an image."""
    return f"/image/{quote(image_id, safe='')}"


def _broken(guideline: Guideline) -> str | None:
    return BROKEN if BROKEN in guideline.choices else None


def _joined(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)
