"""The summary of what people judged: agreement, each assessor, how grades were decided, the effect of guesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from fieldguide.annotation.agreement.agreement import Agreement, agreement
from fieldguide.annotation.agreement.alpha import IntervalEstimate
from fieldguide.annotation.agreement.anchoring import Anchoring, anchoring, guessed_relevant
from fieldguide.annotation.agreement.individuals import Individual, Proportion, individuals
from fieldguide.annotation.judgments.adjudication import Adjudication
from fieldguide.annotation.judgments.consensus import Errors
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair, votes
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.files import write_json
from fieldguide.records.judgments import AGREEMENT_VERSION
from fieldguide.retrieval.pooling.section import Pool

CONFIDENCE = 0.95
DRAWS = 1000


@dataclass(frozen=True)
class AgreementSummary:
    """What data/qrels/agreement.json holds.

    Attributes:
        rule: adjudicate.rule of params.yaml.
        pairs: judged pairs; `several`: judged by two or more assessors; `differing`: of these, with different answers.
        ungraded: judged pairs without a grade.
        decided_by: number of graded pairs by how they were decided.
        prior: how frequent each grade is, as the model estimates; empty without a model.
        errors: each assessor's error rates as the model estimates; empty without a model.
        anchoring: None where no guess was ever in sight, or `notes` says why not.
        notes: what could not be computed, and why.
    """

    rule: str
    confidence: float
    pairs: int
    several: int
    differing: int
    ungraded: int
    decided_by: dict[str, int]
    agreement: Agreement
    assessors: tuple[Individual, ...]
    prior: dict[int, float]
    errors: tuple[Errors, ...]
    anchoring: Anchoring | None
    notes: tuple[str, ...]
    schema_version: int = AGREEMENT_VERSION


def summarise(
    entries: Iterable[LogEntry],
    adjudicated: Adjudication,
    guidelines: Iterable[Guideline],
    pools: pd.DataFrame,
    gold: Mapping[Pair, int],
    rule: str,
    annotate: Annotate,
    pool: Pool,
) -> AgreementSummary:
    """Sum up what people judged. The same log and parameters give the same summary.

    Args:
        entries: the log.
        adjudicated: what `fieldguide.annotation.judgments.adjudication.adjudicate` made of it.
        guidelines: those that were judged by.
        pools: records.POOLS.
        gold: known grades.
        rule: adjudicate.rule of params.yaml.
        annotate: section of params.yaml.
        pool: section of params.yaml.
    """
    lines = list(entries)
    said = votes(lines)
    qrels, decisions = adjudicated.qrels, adjudicated.decisions
    decided = {(s, i): int(g) for s, i, g in zip(qrels["subtopic_id"], qrels["image_id"], qrels["grade"], strict=True)}
    highest = max((grade for guideline in guidelines for grade in guideline.grades), default=1)
    seed = annotate.seed
    anchored, notes = _anchoring(lines, highest, pools, gold, annotate, pool)
    return AgreementSummary(
        rule=rule,
        confidence=CONFIDENCE,
        pairs=len(decisions),
        several=sum(len(by) > 1 for by in said.values()),
        differing=int(decisions["disagreement"].sum()),
        ungraded=len(adjudicated.ungraded),
        decided_by={str(how): int(n) for how, n in qrels["decided_by"].value_counts().sort_index().items()},
        agreement=agreement(lines, confidence=CONFIDENCE, draws=DRAWS, seed=seed),
        assessors=tuple(individuals(lines, gold=gold, decided=decided, confidence=CONFIDENCE)),
        prior=adjudicated.consensus.prior,
        errors=adjudicated.consensus.errors,
        anchoring=anchored,
        notes=(*adjudicated.consensus.notes, *notes),
    )  # fmt: skip


def write_summary(folder: Path, summary: AgreementSummary) -> None:
    """Write agreement.json."""
    write_json(folder / "agreement.json", asdict(summary))


def lines_of(summary: AgreementSummary) -> Iterator[str]:
    """The summary in a few lines of text."""
    yield f"  judged by several: {summary.several} of {summary.pairs}; with different answers: {summary.differing}"
    overall = summary.agreement.overall
    yield f"  Krippendorff's alpha of grades, ordinal: {estimate_words(overall.ordinal)}"
    yield f"  nominal: {estimate_words(overall.nominal)}; of choices, nominal: {estimate_words(overall.choices)}"
    for one in summary.assessors:
        gold = f"; gold {share_words(one.gold)}" if one.gold.of else ""
        yield f"  {one.assessor}: {one.votes} judged{gold}; bias {estimate_words(one.bias, sign=True)}"
    if summary.anchoring:
        yield f"  {summary.anchoring.words}"
    yield from (f"  {note}" for note in summary.notes)


def estimate_words(estimate: IntervalEstimate, sign: bool = False) -> str:
    """`0.812 (0.771 to 0.850)`, or why there is none."""
    if estimate.value is None:
        return f"none ({estimate.reason})"
    form = "+.3f" if sign else ".3f"
    value = format(estimate.value, form)
    if estimate.low is None or estimate.high is None:
        return f"{value} (no interval: {estimate.reason})"
    return f"{value} ({estimate.low:{form}} to {estimate.high:{form}})"


def share_words(share: Proportion) -> str:
    """`18 of 20`, with the interval of the share."""
    if share.low is None or share.high is None:
        return "none"
    return f"{share.count} of {share.of} ({share.low:.0%} to {share.high:.0%})"


def _anchoring(
    entries: list[LogEntry],
    highest: int,
    pools: pd.DataFrame,
    gold: Mapping[Pair, int],
    annotate: Annotate,
    pool: Pool,
) -> tuple[Anchoring | None, list[str]]:
    sighted = sum(entry.sighted for entry in entries)
    if not sighted:
        return None, []
    guess = annotate.preannotation
    if guess is None:
        return None, [
            f"{sighted} judgments were given with a model's guess in sight; annotate.preannotation is empty now, so "
            "that its effect cannot be measured"
        ]
    relevant = guessed_relevant(pools, guess, pool)
    if relevant is None:
        return None, [
            f"{sighted} judgments were given with a guess of {guess.system} in sight; its effect cannot be measured, "
            f"since the pools do not hold its first {guess.relevant} images (pool.systems, pool.depth)"
        ]
    made = anchoring(entries, relevant, highest, gold=gold, confidence=CONFIDENCE)
    return made, []
