"""Consensus: from the votes on a pair to one grade, by a rule or by a model of the assessors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.judgments.votes import Pair

if TYPE_CHECKING:
    import pandas as pd

Votes = Mapping[Pair, Mapping[str, int]]
"""Grades by pair and assessor."""
Posterior = Mapping[Pair, Mapping[int, float]]
Rates = Mapping[tuple[str, int], Mapping[int, float]]
"""By (assessor, answer), then by true grade; answers that an assessor never gave are absent."""

# Two posteriors that differ by less are a tie: sums of the same numbers in another order differ by less than this.
_TIE = 1e-9


@dataclass(frozen=True)
class Decision:
    """One pair's grade.

    Attributes:
        decided_by: `single`, `unanimous`, `majority`, `tie`; `dawid-skene`, `gold`; `adjudicator`.
        confidence: 0..1, the posterior probability of the grade under the model; None where no model was asked.
    """

    grade: int
    decided_by: str
    confidence: float | None = None


@dataclass(frozen=True)
class Errors:
    """How one assessor answers, as estimated by the model.

    Attributes:
        rates: rates[i][j]: probability of the answer `grades[j]` where the grade is `grades[i]`; rows sum to 1.
        images: how many images of each true grade the rates rest on, as estimated; near 0, its row says nothing.
        error_rate: share of the assessor's votes that are wrong, as estimated.
        votes: how many votes this rests on.
    """

    assessor: str
    grades: tuple[int, ...]
    rates: tuple[tuple[float, ...], ...]
    images: tuple[float, ...]
    error_rate: float
    votes: int


@dataclass(frozen=True)
class Consensus:
    """What a rule made of the votes.

    Attributes:
        decisions: every pair with a vote, sorted.
        prior: how frequent each grade is, as estimated; empty without a model.
        errors: by assessor, sorted; only those the model can speak of.
        notes: what the model could not do, in words.
    """

    decisions: dict[Pair, Decision]
    prior: dict[int, float]
    errors: tuple[Errors, ...]
    notes: tuple[str, ...]


def majority(votes: Sequence[int]) -> tuple[int, str]:
    """The grade of one or more votes, and how it was decided: single, unanimous, majority or tie.

    The grade of more than half of the votes wins; where there is none, the lower median of the votes does (of a
    tie between 0 and 1 the lower), so that a doubt never makes an image relevant.
    """
    grade, count = Counter(votes).most_common(1)[0]
    if len(votes) == 1:
        return grade, "single"
    if count == len(votes):
        return grade, "unanimous"
    if 2 * count > len(votes):
        return grade, "majority"
    return sorted(votes)[(len(votes) - 1) // 2], "tie"


def by_majority(votes: Votes) -> Consensus:
    """Every pair by `majority`."""
    decisions = {pair: Decision(*majority(list(by.values()))) for pair, by in sorted(votes.items()) if by}
    return Consensus(decisions, {}, (), ())


def dawid_skene(votes: Votes, known: Mapping[Pair, int] | None = None) -> Consensus:
    """Every pair by the most probable grade, given each assessor's error rates, which are estimated from all votes.

    Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm, Journal of the
    Royal Statistical Society C 28(1), 1979; crowd-kit's implementation, begun at the majority. Of equally probable
    grades the lower is taken. The result depends on the votes alone, not on their order.

    What overlap says about an assessor is said by agreement with others. So whoever shares no pair with anybody, and
    judged none that is `known`, has no estimate; such votes are decided by the majority, and a note says so. Two
    assessors explain their disagreements equally well by the errors of either: without known pairs their rates are
    no measurement, and a note says so.

    Args:
        votes: grades.
        known: true grades of some pairs (gold, or an adjudicator's): they take part in the estimate and are decided
            by it, `gold`. Grades that no vote gave, and pairs without a vote, are left out.
    """
    voted = {pair: dict(sorted(by.items())) for pair, by in sorted(votes.items()) if by}
    truth = {pair: grade for pair, grade in sorted((known or {}).items()) if pair in voted}
    linked = {a for pair, by in voted.items() if len(by) > 1 or pair in truth for a in by}
    alone = sorted({a for by in voted.values() for a in by} - linked)
    notes = []
    if alone:
        notes.append(f"{', '.join(alone)}: no estimate, as no image was judged by anybody else or is known")
    modelled = {pair: by for pair, by in voted.items() if linked & set(by)}
    plain = by_majority({pair: by for pair, by in voted.items() if pair not in modelled})
    if not modelled:
        return Consensus(plain.decisions, {}, (), tuple(notes))
    if len(linked) < 3 and not truth:
        notes.append(
            f"{' and '.join(sorted(linked))}: two assessors' errors cannot be told apart without images of known "
            "grade; read the estimates as one of many that explain the votes"
        )
    given = sorted({grade for by in modelled.values() for grade in by.values()})
    truth = {pair: grade for pair, grade in truth.items() if grade in given}
    posterior, rates = _fitted(modelled, truth)
    decisions = {pair: _decision(row, "gold" if pair in truth else "dawid-skene") for pair, row in posterior.items()}
    prior = {grade: sum(row[grade] for row in posterior.values()) / len(posterior) for grade in given}
    return Consensus(
        decisions=dict(sorted({**plain.decisions, **decisions}.items())),
        prior=prior,
        errors=tuple(_errors(a, rates, modelled, posterior) for a in sorted(linked)),
        notes=tuple(notes),
    )


def _fitted(votes: Votes, truth: Mapping[Pair, int]) -> tuple[Posterior, Rates]:
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    pairs = list(votes)
    rows = [(n, assessor, grade) for n, pair in enumerate(pairs) for assessor, grade in votes[pair].items()]
    data = pd.DataFrame(rows, columns=["task", "worker", "label"])
    known = pd.Series({n: truth[pair] for n, pair in enumerate(pairs) if pair in truth}, dtype=int) if truth else None
    model = DawidSkene(n_iter=100).fit(data, true_labels=known)
    posterior = {pairs[int(str(task))]: row for task, row in _table(model.probas_).items()}
    rates = {(str(who), int(given)): row for (who, given), row in _table(model.errors_).items()}
    return posterior, rates


def _table(frame: pd.DataFrame) -> dict[Any, Any]:
    """Rows by index, sorted, each with its values by grade."""
    return frame.sort_index().sort_index(axis=1).rename(columns=int).to_dict("index")


def _decision(posterior: Mapping[int, float], how: str) -> Decision:
    best = max(posterior.values())
    grade = min(grade for grade, p in posterior.items() if p >= best - _TIE)
    return Decision(grade, how, posterior[grade])


def _errors(assessor: str, table: Rates, votes: Votes, posterior: Posterior) -> Errors:
    own = [(posterior[pair], by[assessor]) for pair, by in votes.items() if assessor in by]
    grades = tuple(own[0][0])
    rates = tuple(tuple(table.get((assessor, given), {}).get(true, 0.0) for given in grades) for true in grades)
    images = tuple(sum(row[grade] for row, _ in own) for grade in grades)
    wrong = sum(1 - row[given] for row, given in own) / len(own)
    return Errors(assessor, grades, rates, images, max(0.0, wrong), len(own))
