"""Stage `answer`: the table of answers, and what it says, written to data/answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from fieldguide.answering.answerers.section import AnyAnswerer
from fieldguide.answering.asking import AskedTopics, LoadedAnswerer, Row, answer_rows
from fieldguide.answering.contexts.choosing import Chooser, Context, contexts
from fieldguide.answering.contexts.material import Material
from fieldguide.answering.figures.accuracy import TopicEntities, accuracy_rows, coverage_rows, order_rows
from fieldguide.answering.figures.findings import findings
from fieldguide.answering.figures.quality import quality_rows
from fieldguide.answering.figures.rows import AnsweringReport
from fieldguide.answering.scoring.judging import Judges
from fieldguide.answering.section import Answer
from fieldguide.core.files import atomic_directory, write_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.section import Evaluate
from fieldguide.records.answers import ANSWERING_VERSION, ANSWERS, OUTCOMES
from fieldguide.records.scores import SCORES


@dataclass(frozen=True)
class Asking:
    """What is asked of whom, in which contexts."""

    section: Answer
    answerers: Mapping[str, AnyAnswerer]
    paths: Paths

    @cached_property
    def chooser(self) -> Chooser:
        """Chooses what is shown."""
        return Chooser(Material(self.paths), self.section.settled)

    @cached_property
    def asked(self) -> AskedTopics:
        """The topics that can be scored."""
        material = self.chooser.material
        return AskedTopics.of(material.topics, material.names, self.section.judge is not None)

    @cached_property
    def contexts(self) -> list[Context]:
        """Those that can be shown."""
        return [context for context in contexts(self.section.settled) if self.chooser.missing(context) is None]

    @cached_property
    def judges(self) -> Judges | None:
        """Who scores free answers; one for all contexts, so that all keep one pace."""
        return None if self.section.judge is None else Judges(self.section.judge, self.paths.root)

    @property
    def left_out(self) -> dict[str, str]:
        """Contexts that cannot be shown, with the reason."""
        asked = {context.name: self.chooser.missing(context) for context in contexts(self.section.settled)}
        return {name: reason for name, reason in asked.items() if reason is not None}

    def loaded(self) -> list[LoadedAnswerer]:
        """The answerers; each loads itself when it is asked."""
        return [LoadedAnswerer(name, self.answerers[name], self.paths.root) for name in self.section.answerers]

    def rows(self, answerer: LoadedAnswerer, context: Context) -> list[Row]:
        """One answerer in one context."""
        return answer_rows(answerer, context, self.chooser, self.asked, self.judges)


def write_answers(asking: Asking, rows: Iterable[Row], evaluate: Evaluate) -> AnsweringReport:
    """Write answers.parquet and answering.json; returns what the latter holds.

    Raises:
        ProblemsError: the rows are no table of answers.
    """
    answers = ANSWERS.frame(list(rows))
    found = figures(asking, answers, evaluate)
    with atomic_directory(asking.paths.answers.parent) as folder:
        ANSWERS.write(folder / asking.paths.answers.name, answers)
        write_json(folder / asking.paths.answering.name, asdict(found) | {"schema_version": ANSWERING_VERSION})
    return found


def figures(asking: Asking, answers: pd.DataFrame, evaluate: Evaluate) -> AnsweringReport:
    """What answering.json holds."""
    asked, kinds = asking.asked, {name: asking.answerers[name].kind for name in asking.section.answerers}
    scores = SCORES.read(asking.paths.evaluation / "scores.parquet")
    headline = scores[scores["measure"] == evaluate.headline]
    entities = TopicEntities.of({topic.topic_id: topic.entities for topic in asked.topics})
    accuracy = accuracy_rows(answers, entities, evaluate)
    return AnsweringReport(
        answerers=kinds,
        contexts=[context.name for context in asking.contexts],
        left_out=asking.left_out,
        preset=asking.section.preset,
        topics=len(asked.topics),
        not_asked=len(asking.chooser.material.topics) - len(asked.topics),
        measure=evaluate.headline,
        unscored=dict(sorted(Counter(answers["reason"].dropna()).items())),
        accuracy=accuracy,
        orders=order_rows(answers),
        coverage=coverage_rows(answers),
        quality=quality_rows(answers, headline, asking.contexts),
        findings=findings(answers, accuracy, kinds, entities, evaluate),
    )


def printed(found: AnsweringReport, k: int) -> list[dict[str, Any]]:
    """A line an answerer and context, for people: of what systems found the first `k` images.

    One line stands for an answerer that says the same in all contexts.
    """
    told = {
        row.answerer: {(r.accuracy, r.correct) for r in found.accuracy if r.answerer == row.answerer}
        for row in found.accuracy
    }
    return [
        {
            "answerer": row.answerer,
            "context": row.context,
            "accuracy": _share(row.accuracy),
            "interval": f"{_share(row.low)} to {_share(row.high)}" if row.accuracy is not None else "",
            **{name: getattr(row, name) for name in OUTCOMES},
            "over none": "" if row.difference is None else f"{row.difference:+.3f}",
            "q": _share(row.q),
            "gap closed": "" if row.gap is None else f"{row.gap:.0%}",
        }
        for row in found.accuracy
        if ("@" not in row.context or f"@{k} " in row.context)
        and (len(told[row.answerer]) > 1 or row.context == found.contexts[0])
    ]


COLUMNS: Sequence[str] = (
    "answerer", "context", "accuracy", "interval", "correct", "wrong", "abstained", "unparseable", "unscored",
    "over none", "q", "gap closed",
)  # fmt: skip


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
