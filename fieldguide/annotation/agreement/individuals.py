"""Each assessor by themselves: choices, gold, self-consistency, bias, and answers against what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from fieldguide.annotation.agreement.alpha import IntervalEstimate
from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.judgments.votes import Pair, VotesByPair, answer, graded, topic_of, votes
from fieldguide.evaluation.statistics.clusters import clusters
from fieldguide.evaluation.statistics.intervals import mean_interval


@dataclass(frozen=True)
class Proportion:
    """A count of a total, with Wilson's interval (Journal of the American Statistical Association 22, 1927).

    `share`, `low` and `high` are None where there is nothing to count.
    """

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Individual:
    """One assessor.

    Attributes:
        votes: current votes (judgments/votes.py).
        choices: how many votes gave each choice.
        gold: votes on gold images that give the known grade; a choice without a grade is none that does.
        repeats: images asked again (pass 2 and more) that got the same answer as in the vote.
        bias: mean of own grade less the mean of the others' grades of the same image; above 0: more generous. The
            interval resamples topics.
        confusion: confusion[decided grade][choice]: how many votes. The vote itself had a part in the decision.
    """

    assessor: str
    votes: int
    choices: dict[str, int]
    gold: Proportion
    repeats: Proportion
    bias: IntervalEstimate
    confusion: dict[int, dict[str, int]]


def individuals(
    entries: Iterable[LogEntry],
    *,
    gold: Mapping[Pair, int] | None = None,
    decided: Mapping[Pair, int] | None = None,
    confidence: float = 0.95,
) -> list[Individual]:
    """Every assessor with a vote, in the order of their names.

    Args:
        entries: the log.
        gold: known grades.
        decided: grades after adjudication, for the confusion.
        confidence: of the intervals, 0..1.
    """
    lines = list(entries)
    said, now = votes(lines), current(lines)
    grades = {pair: graded(by) for pair, by in said.items()}
    names = sorted({assessor for by in said.values() for assessor in by})
    made = []
    for name in names:
        own = {pair: by[name] for pair, by in said.items() if name in by}
        holding = [entry for entry in now if entry.assessor == name]
        made.append(
            Individual(
                assessor=name,
                votes=len(own),
                choices=dict(sorted(Counter(str(vote.choice) for vote in own.values()).items())),
                gold=gold_share({pair: {name: vote} for pair, vote in own.items()}, gold or {}, confidence),
                repeats=repeat_share(holding, own, confidence),
                bias=_bias(name, grades, confidence),
                confusion=_confusion(own, decided or {}),
            )
        )
    return made


def share(count: int, of: int, confidence: float) -> Proportion:
    """`count` of `of`."""
    if not of:
        return Proportion(0, 0, None, None, None)
    from scipy.stats import binomtest

    interval = binomtest(count, of).proportion_ci(confidence, method="wilson")
    return Proportion(count, of, count / of, float(interval.low), float(interval.high))


def gold_share(said: VotesByPair, gold: Mapping[Pair, int], confidence: float) -> Proportion:
    """Of votes on gold images, those that give the known grade; a choice without a grade is none that does."""
    right = [vote.grade == gold[pair] for pair, by in said.items() if pair in gold for vote in by.values()]
    return share(sum(right), len(right), confidence)


def repeat_share(holding: Iterable[LogEntry], own: Mapping[Pair, LogEntry], confidence: float) -> Proportion:
    """Of one assessor's images asked again, those with the same answer as the vote.

    Args:
        holding: the assessor's judgments that hold.
        own: the assessor's votes.
        confidence: of the interval, 0..1.
    """
    again = [
        answer(entry) == answer(vote)
        for entry in holding
        if entry.role == "assessor" and (vote := own[entry.subtopic_id, entry.image_id]).pass_ < entry.pass_
    ]
    return share(sum(again), len(again), confidence)


def _bias(name: str, grades: Mapping[Pair, Mapping[str, int]], confidence: float) -> IntervalEstimate:
    found = {
        pair: by[name] - fmean(grade for other, grade in by.items() if other != name)
        for pair, by in grades.items()
        if name in by and len(by) > 1
    }
    if not found:
        return IntervalEstimate(None, None, None, 0, "graded no image that somebody else graded too")
    values = np.array(list(found.values()), dtype=np.float64)
    names, topics = np.unique([topic_of(subtopic_id) for subtopic_id, _ in found], return_inverse=True)
    if len(names) == 1:  # one topic says nothing of topics; its images are drawn
        topics = np.arange(len(values))
    if len(values) == 1:
        return IntervalEstimate(float(values[0]), None, None, 1, "one image is too few for an interval")
    low, high = mean_interval(clusters(values[:, None], topics), confidence)
    return IntervalEstimate(float(values.mean()), float(low[0]), float(high[0]), len(values))


def _confusion(own: Mapping[Pair, LogEntry], decided: Mapping[Pair, int]) -> dict[int, dict[str, int]]:
    table: dict[int, Counter[str]] = {}
    for pair, vote in own.items():
        if pair in decided:
            table.setdefault(decided[pair], Counter())[str(vote.choice)] += 1
    return {grade: dict(sorted(row.items())) for grade, row in sorted(table.items())}
