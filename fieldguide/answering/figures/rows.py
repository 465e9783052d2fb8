"""What answering.json holds: its rows as records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ShownGroup:
    """Topics by for how many of their entities something relevant was shown, with their accuracy."""

    topics: int
    accuracy: float | None


@dataclass(frozen=True)
class AccuracyRow:
    """One answerer in one context, in the order `ranked`.

    Attributes:
        topics: asked; `correct` to `unscored` say what became of them.
        accuracy: mean score over what was scored, with its interval `low` to `high`; None where nothing was.
        answered: share of the correct among those that were answered right or wrong.
        by_shown: the same for topics of which all entities, some or none had something relevant among what was shown.
        difference: to the same answerer without images, over topics that were scored in both, with interval, p, and q
            (corrected over the contexts of one answerer).
        gap: the share of the difference between `gold` and `none` that the context closes; None where p does not show
            that there is one.
        tokens, cost: of all its calls, and for each correct answer; None where nothing was counted or paid.
    """

    answerer: str
    context: str
    topics: int
    correct: int
    wrong: int
    abstained: int
    unparseable: int
    unscored: int
    accuracy: float | None
    low: float | None
    high: float | None
    answered: float | None
    by_shown: dict[str, ShownGroup]
    tokens: int | None
    cost: float
    tokens_a_correct: float | None
    cost_a_correct: float | None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p: float | None = None
    q: float | None = None
    gap: float | None = None


@dataclass(frozen=True)
class OrderRow:
    """One answerer in a context that was shown in several orders, over the topics that were scored in all of them.

    `accuracy` by order; `spread` from the least to the greatest; `changed` is the share of topics whose outcome is not
    the same in all orders.
    """

    answerer: str
    context: str
    accuracy: dict[str, float]
    spread: float
    changed: float


@dataclass(frozen=True)
class CoverageRow:
    """Risk and coverage of an answerer that states its confidence, in one context.

    `risk[n]` is 1 less the mean score of the surest share `coverage[n]` of the answers; `area` is the mean risk over
    all coverages (AURC; Geifman, Uziel and El-Yaniv, ICLR 2019).
    """

    answerer: str
    context: str
    area: float
    coverage: list[float]
    risk: list[float]


@dataclass(frozen=True)
class QualityPoint:
    """A system on a track: the mean of its measure, and of the scores of answers from its k best images."""

    track: str
    system: str
    quality: float
    accuracy: float


@dataclass(frozen=True)
class QualityBin:
    """Topics of all systems whose measure is from `low` to `high`, and the mean score of their answers."""

    low: float
    high: float
    answers: int
    accuracy: float | None


@dataclass(frozen=True)
class QualityRow:
    """Whether ranking predicts answering, for one answerer and k; `tau` is Kendall's tau-b of the points."""

    answerer: str
    k: int
    points: list[QualityPoint]
    tau: float | None
    bins: list[QualityBin]


@dataclass(frozen=True)
class AnswererFinding:
    """Something about an answerer that its figures should not be read without."""

    answerer: str
    finding: str
    evidence: str


@dataclass(frozen=True)
class AnsweringReport:
    """answering.json.

    Attributes:
        answerers: kind of each.
        contexts: in the order of asking; `left_out` could not be shown, with the reason.
        topics: that were asked; `not_asked` have no closed answer, and nobody judges.
        measure: of retrieval, in `quality`.
        unscored: how often, by reason.
    """

    answerers: dict[str, str]
    contexts: list[str]
    left_out: dict[str, str]
    preset: str | None
    topics: int
    not_asked: int
    measure: str
    unscored: dict[str, int]
    accuracy: list[AccuracyRow]
    orders: list[OrderRow]
    coverage: list[CoverageRow]
    quality: list[QualityRow]
    findings: list[AnswererFinding]
