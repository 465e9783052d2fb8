"""Re-ranking: a vision-language model looks at the best images of another system."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.chat import Chat, Prompt, Reply
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.runs import ranking
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.photographs import Photographs
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, make_system, system
from fieldguide.retrieval.systems.sections.systems import RerankVlmSystem

_JUDGE = "You judge photographs for an image search. You are given a query and one photograph."
SYSTEMS = {"grade": _JUDGE, "probability": f"{_JUDGE} You answer yes or no."}
"""What the model is told first, by `score`."""


@system("rerank-vlm")
def rerank_vlm(spec: RerankVlmSystem, collection: SearchCollection) -> CandidateScorer:
    """Prompt and rerank (Lin et al., MM-Embed, arXiv 2411.02571): the model is shown each of the best images by itself.

    With `score: probability` its yes is weighed against its no (Vendrow et al., INQUIRE, arXiv 2411.02537), where the
    endpoint tells log-probabilities; elsewhere it is asked for a number. Equal ones keep the base system's order. What
    it refuses to answer, or answers with neither, comes after all that have a score, as what it was not shown does;
    the refusal is kept with the call.
    """
    base, chat = make_system(spec.base, collection), Chat(spec.chat, open_caller(collection.paths.root))
    photographs = Photographs(collection, spec.side)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        found = base(subtopic, candidates)
        if found is None:
            return None
        ranked = np.flatnonzero(~np.isnan(found))
        ranked = ranked[ranking(found[ranked], candidates[ranked])]  # rows of a sorted gallery sort as its ids do
        text = spec.prompt.format(query=collection.text_of(subtopic, spec.query), scale=spec.scale)
        shown = ((photographs.png(candidates[n]),) for n in ranked[: spec.top])
        replies = chat.ask_all(Prompt(SYSTEMS[spec.score], text, i, likeliest=spec.likeliest) for i in shown)
        if spec.likeliest:
            return by_probability(len(candidates), ranked, [probability_of_yes(reply) for reply in replies])
        return reranked(len(candidates), ranked, [grade(reply, spec.scale) for reply in replies])

    return score


def reranked(candidates: int, ranked: Rows, grades: list[int | None]) -> npt.NDArray[np.float64]:
    """Scores of candidates: 1 / (1 + rank), and for those with a grade 1 + grade more. NaN for what is not ranked.

    Args:
        candidates: how many there are.
        ranked: which of them the base system ranks, best first.
        grades: of the first of these; None where there is none.
    """
    scores = np.full(candidates, np.nan)
    scores[ranked] = 1 / (1 + np.arange(1, len(ranked) + 1))
    for place, given in zip(ranked.tolist(), grades, strict=False):
        scores[place] += 0 if given is None else 1 + given
    return scores


def grade(reply: Reply | Refused, scale: int) -> int | None:
    """The grade that a reply holds and nothing else (`7`, `7.`, `7/10`); None for a refusal or any other words."""
    if isinstance(reply, Refused):
        return None
    found = re.fullmatch(rf"([0-9]{{1,3}})( ?/ ?{scale})?\.?", reply.text.strip())
    return int(found[1]) if found and int(found[1]) <= scale else None


def by_probability(candidates: int, ranked: Rows, probabilities: list[float | None]) -> npt.NDArray[np.float64]:
    """As `reranked`, with 1 + p for those with a probability p.

    Equal ones lie a step of single precision apart, in which runs are kept, so that they stay in the base's order.
    """
    scores = reranked(candidates, ranked, [])
    told = [(p, place) for place, p in zip(ranked.tolist(), probabilities, strict=False) if p is not None]
    last = np.float32(np.inf)
    for p, place in sorted(told, key=lambda one: -one[0]):
        last = min(np.float32(1 + p), np.nextafter(last, np.float32(0)))
        scores[place] = last
    return scores


def probability_of_yes(reply: Reply | Refused) -> float | None:
    """P(yes) / (P(yes) + P(no)) for a reply's first token, each over all its spellings (`Yes`, ` yes`, `YES`).

    One of the two that is not among the likeliest tokens counts as impossible. None where neither is, for a refusal,
    and where the endpoint tells no probabilities.
    """
    if isinstance(reply, Refused) or reply.first is None:
        return None
    yes, no = (
        np.logaddexp.reduce([logprob for token, logprob in reply.first if token.strip().lower() == word])
        for word in ("yes", "no")
    )
    either = np.logaddexp(yes, no)
    return float(np.exp(yes - either)) if np.isfinite(either) else None
