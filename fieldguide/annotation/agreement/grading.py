"""From the log to grades: for the step `adjudicate` and for `fieldguide annotate agreement`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fieldguide.annotation.agreement.summary import AgreementSummary, summarise
from fieldguide.annotation.judgments import labels, log
from fieldguide.annotation.judgments.adjudication import (
    Adjudication,
    adjudicate,
    grade_definitions,
    write_qrels,
)
from fieldguide.annotation.judgments.excluding import ExcludedPerson, excluded_people, without
from fieldguide.annotation.judgments.guidelines import Guideline, archived, counting, guidelines_of
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.section import Adjudicate
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.gold import read_gold
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.paths import Paths
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, in_pools
from fieldguide.records.plan import DECISIONS
from fieldguide.records.topics import read_topics
from fieldguide.retrieval.pooling.section import Pool


@dataclass(frozen=True)
class Grades:
    """What the judgments of a log come to.

    Attributes:
        judged: the log.
        entries: its lines that count.
        guidelines: those that were judged by.
        gold: known grades.
        section: `adjudicate` of params.yaml.
        excluded: people whose lines do not count.
    """

    judged: log.Log
    entries: list[LogEntry]
    guidelines: list[Guideline]
    pools: pd.DataFrame
    gold: dict[Pair, int]
    section: Adjudicate
    decided: Adjudication
    excluded: tuple[ExcludedPerson, ...] = ()

    def write(self, folder: Path) -> None:
        """Write qrels.parquet, qrels.trec, grades.json and decisions.parquet."""
        complete = self.section.judge == "dataset-label"
        write_qrels(folder, self.decided.qrels, grade_definitions(self.guidelines, self.judged, complete))
        DECISIONS.write(folder / "decisions.parquet", self.decided.decisions)

    def agreement(self, annotate: Annotate, pool: Pool) -> AgreementSummary:
        """How far those who judged agree; sections of params.yaml."""
        made = summarise(
            self.entries, self.decided, self.guidelines, self.pools, self.gold, self.section.rule, annotate, pool
        )
        return replace(made, notes=(*map(str, self.excluded), *made.notes))

    def lines(self) -> Iterator[str]:
        """The same in words."""
        qrels = self.decided.qrels
        left = len(without(self.judged.entries, self.section.excluded)) - len(self.entries)
        if self.judged.torn:
            yield self.judged.torn
        if left:
            yield f"{left} lines of the log are by other guidelines than {self.section.guideline} and do not count"
        yield from map(str, self.excluded)
        relevant = int((qrels["grade"] > 0).sum())
        yield f"{len(self.entries)} judgments, {len(qrels)} graded pairs, {relevant} of them relevant"
        for how, count in qrels["decided_by"].value_counts().sort_index().items():
            yield f"  {how}: {count}"
        yield f"  no grade (cannot tell, broken image): {len(self.decided.ungraded)}"
        yield f"  pooled and not judged: {len(self.decided.unjudged)} of {len(self.pools)}"
        missed = relevant - int((in_pools(qrels, self.pools)["grade"] > 0).sum())
        if missed:
            yield f"  relevant and in no pool: {missed}, {missed / relevant:.1%} of the relevant"


def judgments(paths: Paths, section: Adjudicate) -> log.Log:
    """People's log, or one written anew from the data set's labels.

    Raises:
        FieldguideError: the log's chain is broken, or labels would take the place of what people judged.
    """
    if section.judge == "log":
        return log.read(paths.judgments)
    subtopics = {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}
    images = IMAGES.read(paths.images, ["image_id", "entity_id", "split"])
    return log.write(paths.judgments, labels.judge(POOLS.read(paths.pools), subtopics, images))


def grade(judged: log.Log, paths: Paths, section: Adjudicate, annotate: Annotate) -> Grades:
    """Decide every judged pair.

    Args:
        judged: the log.
        paths: pools, guidelines and gold are read.
        section: `adjudicate` of params.yaml.
        annotate: section of params.yaml.

    Raises:
        FieldguideError: the judgments rest on guidelines that do not go together; ProblemsError: on others than theirs;
            people are excluded whom nobody knows.
    """
    people, known = section.judge == "log", archived(paths.used_guidelines)
    excluded = excluded_people(section.excluded, judged.entries, annotate.people)
    entries = counting(without(judged.entries, section.excluded), section.guideline if people else None, known)
    guidelines = guidelines_of(entries, str(paths.judgments), known)
    given = annotate.gold if people and guidelines else None
    gold = read_gold(paths.root / given, guidelines[-1]) if given else {}
    pools = POOLS.read(paths.pools)
    decided = adjudicate(entries, pools, section.rule, gold)
    return Grades(judged, entries, guidelines, pools, gold, section, decided, excluded)
