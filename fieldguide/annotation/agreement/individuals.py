"""Each assessor by themselves: choices, gold, self-consistency, bias, and answers against what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from fieldguide.annotation.agreement.alpha import Estimate
from fieldguide.annotation.judgments.log import Entry, current
from fieldguide.annotation.judgments.votes import Pair, answer, graded, topic_of, votes
from fieldguide.evaluation.statistics.resampling import bootstrap_interval, clusters


@dataclass(frozen=True)
class Share:
    """So many of so many, with Wilson's interval (Journal of the American Statistical Association 22, 1927).

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
        votes: current votes (annotation.votes).
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
    gold: Share
    repeats: Share
    bias: Estimate
    confusion: dict[int, dict[str, int]]


def individuals(
    entries: Iterable[Entry],
    *,
    gold: Mapping[Pair, int] | None = None,
    decided: Mapping[Pair, int] | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> list[Individual]:
    """Every assessor with a vote, in the order of their names.

    Args:
        entries: the log.
        gold: known grades.
        decided: grades after adjudication, for the confusion.
        confidence: of the intervals, 0..1.
        draws: bootstrap resamples of the bias.
        seed: of the resamples.
    """
    lines = list(entries)
    said = votes(lines)
    grades = {pair: graded(by) for pair, by in said.items()}
    names = sorted({assessor for by in said.values() for assessor in by})
    made = []
    for name in names:
        own = {pair: by[name] for pair, by in said.items() if name in by}
        known = [own[pair].grade == grade for pair, grade in sorted((gold or {}).items()) if pair in own]
        made.append(
            Individual(
                assessor=name,
                votes=len(own),
                choices=dict(sorted(Counter(str(vote.choice) for vote in own.values()).items())),
                gold=share(sum(known), len(known), confidence),
                repeats=_repeats(name, lines, own, confidence),
                bias=_bias(name, grades, confidence, draws, seed),
                confusion=_confusion(own, decided or {}),
            )
        )
    return made


def share(count: int, of: int, confidence: float) -> Share:
    """`count` of `of`."""
    if not of:
        return Share(0, 0, None, None, None)
    from scipy.stats import binomtest

    interval = binomtest(count, of).proportion_ci(confidence, method="wilson")
    return Share(count, of, count / of, float(interval.low), float(interval.high))


def _repeats(name: str, entries: Iterable[Entry], own: Mapping[Pair, Entry], confidence: float) -> Share:
    again = [
        answer(entry) == answer(vote)
        for entry in current(entries)
        if entry.assessor == name and entry.role == "assessor"
        and (vote := own[entry.subtopic_id, entry.image_id]).pass_ < entry.pass_
    ]  # fmt: skip
    return share(sum(again), len(again), confidence)


def _bias(name: str, grades: Mapping[Pair, Mapping[str, int]], confidence: float, draws: int, seed: int) -> Estimate:
    found = {
        pair: by[name] - fmean(grade for other, grade in by.items() if other != name)
        for pair, by in grades.items()
        if name in by and len(by) > 1
    }
    if not found:
        return Estimate(None, None, None, 0, "graded no image that somebody else graded too")
    values = np.array(list(found.values()), dtype=np.float64)
    names, topics = np.unique([topic_of(subtopic_id) for subtopic_id, _ in found], return_inverse=True)
    if len(names) == 1:  # one topic says nothing of topics; its images are drawn
        topics = np.arange(len(values))
    if len(values) == 1:
        return Estimate(float(values[0]), None, None, 1, "one image is too few for an interval")
    low, high = bootstrap_interval(clusters(values[:, None], topics), confidence, draws, seed)
    return Estimate(float(values.mean()), float(low[0]), float(high[0]), len(values))


def _confusion(own: Mapping[Pair, Entry], decided: Mapping[Pair, int]) -> dict[int, dict[str, int]]:
    table: dict[int, Counter[str]] = {}
    for pair, vote in own.items():
        if pair in decided:
            table.setdefault(decided[pair], Counter())[str(vote.choice)] += 1
    return {grade: dict(sorted(row.items())) for grade, row in sorted(table.items())}
