"""What gives an answerer away: one that ignores images, trusts the last one, or knows the answers' habits alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from fieldguide.answering.figures.accuracy import GOLD, NONE, TopicEntities, scores_of
from fieldguide.answering.figures.rows import AccuracyRow, AnswererFinding
from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.comparison import compare_clusters
from fieldguide.records.answers import RULES

SWAPPED = "swapped"
# Of topics, from which on answers count as the same; a model that samples its words is never at 1.
_SAME = 0.95
_UNSAID = ("abstained", "unparseable")


def findings(
    answers: pd.DataFrame,
    accuracy: Sequence[AccuracyRow],
    kinds: Mapping[str, str],
    entities: TopicEntities,
    evaluate: Evaluate,
) -> list[AnswererFinding]:
    """Of each answerer whatever its figures should not be read without.

    Args:
        answers: records.ANSWERS.
        accuracy: as `accuracy_rows` gives them.
        kinds: kind of each answerer; those of kind `prior` are what others are held against.
        entities: of each topic.
        evaluate: confidence, permutations and seed.
    """
    rows = {row.answerer: row for row in accuracy if row.context == GOLD}
    prior = next(
        (some for name, some in answers.groupby("answerer", sort=False) if kinds.get(str(name)) == "prior"), None
    )
    found: list[AnswererFinding] = []
    for answerer, own in answers.groupby("answerer", sort=False):
        name = str(answerer)
        gold = rows.get(name)
        found += _images(name, own, gold, evaluate.alpha)
        found += _last_image(name, own, entities, evaluate)
        if prior is not None and gold is not None and kinds.get(name) != "prior":
            pair = _paired(_ranked(own, GOLD), _ranked(prior, NONE))
            found += _beyond_prior(gold, pair, entities, evaluate)
    return found


def _ranked(own: pd.DataFrame, context: str) -> pd.Series[float]:
    return scores_of(own[(own["order"] == "ranked") & (own["context"] == context)])


def _paired(scores: pd.Series[float], subtracted: pd.Series[float]) -> pd.Series[float]:
    """Differences by topic_id, of topics that have both."""
    return (scores - subtracted).dropna()


def _images(name: str, own: pd.DataFrame, gold: AccuracyRow | None, alpha: float) -> Iterator[AnswererFinding]:
    """Whether images matter at all, and whether it matters whose they are."""
    ranked = own[(own["order"] == "ranked") & (own["scored_by"] == RULES)]
    said = ranked.pivot(index="topic_id", columns="context", values="said")
    # To abstain in one context and not in another is to react.
    unsaid = ranked.pivot(index="topic_id", columns="context", values="outcome").where(lambda o: o.isin(_UNSAID))
    answered = said.fillna(unsaid)[said.notna().any(axis=1)]
    alike = float((answered.nunique(axis=1) <= 1).mean()) if len(answered) and len(answered.columns) > 1 else 0.0
    if alike >= _SAME:
        yield AnswererFinding(name, "ignores what it is shown", f"{alike:.0%} of answers are the same in all contexts")
        return
    if gold is not None and gold.difference is not None and gold.p is not None:
        ends = f"{gold.difference:+.3f} ({gold.difference_low:+.3f} to {gold.difference_high:+.3f}), p {gold.p:.4f}"
        if gold.difference > 0 and gold.p <= alpha:
            yield AnswererFinding(name, "is better with relevant images than without", ends)
        else:
            yield AnswererFinding(name, "is not shown to be better with relevant images than without", ends)
    if {GOLD, SWAPPED} <= set(said.columns):
        both = said[[GOLD, SWAPPED]].dropna()
        same = float((both[GOLD] == both[SWAPPED]).mean()) if len(both) else 0.0
        if len(both) and same >= _SAME:
            words = f"{same:.0%} of answers stay the same when the entities' images are exchanged"
            yield AnswererFinding(name, "does not notice whose images it is shown", words)


def _last_image(name: str, own: pd.DataFrame, entities: TopicEntities, evaluate: Evaluate) -> Iterator[AnswererFinding]:
    """Whether the place of the relevant image decides."""
    among = own[own["context"] == "gold-among"]
    first, last = (scores_of(among[among["order"] == order]) for order in ("gold-first", "gold-last"))
    pair = _paired(last, first)
    if len(pair) < 2:
        return
    (found,) = compare_clusters(entities.clusters(pair), evaluate)
    if found.p > evaluate.alpha:
        return
    which = "last" if found.difference > 0 else "first"
    words = f"a relevant image among others helps more when it is {which}: {abs(found.difference):.3f}, p {found.p:.3f}"
    yield AnswererFinding(name, f"trusts the image that is shown {which}", words)


def _beyond_prior(
    gold: AccuracyRow, differences: pd.Series[float], entities: TopicEntities, evaluate: Evaluate
) -> Iterator[AnswererFinding]:
    """Whether it beats habit, on the same questions."""
    if len(differences) < 2:
        return
    (found,) = compare_clusters(entities.clusters(differences), evaluate)
    if found.difference > 0 and found.p <= evaluate.alpha:
        return
    ends = f"({found.low:+.3f} to {found.high:+.3f}), p {found.p:.4f}"
    words = f"with relevant images {found.difference:+.3f} {ends}, beside habit alone"
    if gold.abstained and gold.answered is not None:
        words += f"; right in {gold.answered:.3f} of what it answered"
    yield AnswererFinding(gold.answerer, "is not shown to know more than the most frequent answer", words)
