"""Measures over a topic's subtopics: is every entity of the question served?

A topic's value stands at each of its judged subtopics, so that tables of scores keep one row a subtopic; with as many
subtopics in every topic, their mean is the mean over topics. A run ranks in one of two ways, topic by topic:

- one list a subtopic (`t0007.e1`, `t0007.e2`: rerank and fullrank runs). `both_entities@k` looks at the top k of each;
  the other measures take one list made of them in turns: the first of every subtopic, the second of every
  subtopic, and so on, an image where it first occurs.
- one list a topic (`t0007`), judged for every subtopic.

alpha-nDCG: Clarke and others, SIGIR 2008. ERR-IA: Chapelle and others, CIKM 2009, and, as TREC's ndeval computes it,
Clarke and others, WSDM 2011. ndeval itself (pyndeval) stops at rank 20 and wants another form of qrels; tests hold the
numbers here against it. The one difference is its rank 1, which it does not normalise: ERR-IA@1 can exceed 1 there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from ir_measures import Measure, Metric
from ir_measures.measures import ERR_IA, alpha_nDCG
from ir_measures.providers.base import Any as AnyValue
from ir_measures.providers.base import Choices, Evaluator, ParamSpec, Provider

from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.measures.lists import Judgments, Lists
from fieldguide.evaluation.measures.providers.ranked import REL, Cutoff
from fieldguide.evaluation.measures.providers.visret import discounts

_SUBTOPIC = re.compile(r"(.+)\.e([0-9]+)", re.ASCII)
_ALPHA = 0.5  # of ERR-IA: a relevant image satisfies half of those who want its subtopic, as in ndeval


class BothEntities(Measure):
    """`both_entities@k`: whether every subtopic of the topic has a relevant image in the top k.

    A subtopic without any relevant image cannot be served: its topic has 0.
    """

    __name__ = "both_entities"
    NAME = "both_entities"
    PRETTY_NAME = "Both entities"
    SHORT_DESC = "Whether every subtopic of a topic has a relevant image in the top k."
    SUPPORTED_PARAMS: ClassVar = {"cutoff": Cutoff(), "rel": REL}


BOTH_ENTITIES = BothEntities()
TOPIC_MEASURES = frozenset({BOTH_ENTITIES.NAME, alpha_nDCG.NAME, ERR_IA.NAME})
"""Names of the measures that have one value a topic."""


def topic_of(subtopic_id: str) -> str:
    """The topic of a subtopic: `t0007` of `t0007.e2`; an id that does not end so is its own topic."""
    match = _SUBTOPIC.fullmatch(subtopic_id)
    return match[1] if match else subtopic_id


class _Share(ParamSpec):
    def validate(self, value: float) -> bool:
        return 0 <= value <= 1

    def __repr__(self) -> str:
        return "0 to 1"


class DiversityProvider(Provider):
    """Computes `both_entities@k`, `alpha_nDCG@k` and `ERR_IA@k`."""

    NAME = "diversity"
    SUPPORTED_MEASURES: ClassVar = [
        BothEntities(cutoff=AnyValue(), rel=AnyValue()),
        alpha_nDCG(cutoff=AnyValue(required=True), alpha=_Share(), rel=AnyValue(), judged_only=Choices(False)),
        ERR_IA(cutoff=AnyValue(required=True), rel=AnyValue(), judged_only=Choices(False)),
    ]

    def _evaluator(self, measures: Iterable[Measure], qrels: Judgments) -> Evaluator:
        return _TopicEvaluator(list(measures), qrels)


class _TopicEvaluator(Evaluator):
    def __init__(self, measures: list[Measure], qrels: Judgments) -> None:
        super().__init__(measures, qrels.subtopics)
        self._topics: dict[str, dict[str, Mapping[str, int]]] = {}
        for subtopic, grades in sorted(qrels.grades().items(), key=lambda item: _number(item[0])):
            self._topics.setdefault(topic_of(subtopic), {})[subtopic] = grades

    def iter_calc(self, lists: Lists) -> Iterator[Metric]:
        """Values of the topics that have lines and judgments, at each of their subtopics."""
        run = lists.rows.ids()
        for topic, grades in self._topics.items():
            ranked = _lists(topic, list(grades), run)
            if not any(ranked):
                continue
            for measure in self.measures:
                value = _value(measure, ranked, list(grades.values()))
                for subtopic in grades:
                    yield Metric(subtopic, measure, value)


def _number(subtopic_id: str) -> tuple[str, int]:
    """Sorts `t1.e10` behind `t1.e9`."""
    match = _SUBTOPIC.fullmatch(subtopic_id)
    return (match[1], int(match[2])) if match else (subtopic_id, 0)


def _lists(topic: str, subtopics: Sequence[str], run: Mapping[str, list[str]]) -> list[list[str]]:
    """One list a subtopic, empty where the run has none, or the topic's one list alone."""
    whole = topic in run and topic not in subtopics
    parts = [subtopic for subtopic in subtopics if subtopic in run]
    if whole and parts:
        raise FieldguideError(
            f"the run ranks both {topic} and {', '.join(parts)}: "
            "rank either the topic, in one list, or each of its subtopics"
        )
    return [run[topic]] if whole else [run.get(subtopic, []) for subtopic in subtopics]


def _value(measure: Measure, lists: Sequence[Sequence[str]], grades: Sequence[Mapping[str, int]]) -> float:
    cutoff, rel = measure["cutoff"], measure["rel"]
    if measure.NAME == BOTH_ENTITIES.NAME:
        own = list(lists) if len(lists) == len(grades) else list(lists) * len(grades)
        return float(
            all(
                any(by.get(image, rel - 1) >= rel for image in images[:cutoff])
                for images, by in zip(own, grades, strict=True)
            )
        )
    top = list(dict.fromkeys(image for row in zip_longest(*lists) for image in row if image is not None))[:cutoff]
    # The greatest id comes first, which is the one that ndeval's ideal takes of images that gain as much.
    judged = sorted({image for by in grades for image, grade in by.items() if grade >= rel}, reverse=True)
    found, all_relevant = _relevance(top, grades, rel), _relevance(judged, grades, rel)
    if measure.NAME == ERR_IA.NAME:
        return err_ia(found, int(all_relevant.any(axis=0).sum()), cutoff)
    return alpha_ndcg(found, all_relevant, measure["alpha"], cutoff)


def _relevance(images: Sequence[str], grades: Sequence[Mapping[str, int]], rel: int) -> npt.NDArray[np.bool_]:
    """(images, subtopics) whether each is relevant to each."""
    rows: list[Any] = [[by.get(image, rel - 1) >= rel for by in grades] for image in images]
    return np.array(rows, dtype=bool).reshape(len(images), len(grades))


def novelty(relevant: npt.NDArray[np.bool_], alpha: float) -> npt.NDArray[np.float64]:
    """(n,) gain of each rank: a subtopic that c images above are relevant to gives (1 - alpha)^c.

    Args:
        relevant: (n, subtopics), in rank order.
        alpha: how much less a further image of the same subtopic is worth, in [0, 1].
    """
    above: npt.NDArray[np.int64] = np.cumsum(relevant, axis=0) - relevant
    return np.asarray((relevant * (1.0 - alpha) ** above).sum(axis=1), dtype=np.float64)


def alpha_ndcg(found: npt.NDArray[np.bool_], judged: npt.NDArray[np.bool_], alpha: float, cutoff: int) -> float:
    """alpha-nDCG, its ideal being the greedy one (the exact one is NP-complete). 0 where nothing is relevant.

    Args:
        found: (n, subtopics) relevance of the ranked images, n at most `cutoff`.
        judged: (m, subtopics) relevance of all images that are relevant to any; of equal gains the first is taken.
        alpha: as in `novelty`.
        cutoff: number of ranks.
    """
    if not judged.any():
        return 0.0
    ideal = novelty(_greedy(judged, alpha, cutoff), alpha)
    return float((novelty(found, alpha) @ discounts(len(found))) / (ideal @ discounts(len(ideal))))


def _greedy(judged: npt.NDArray[np.bool_], alpha: float, cutoff: int) -> npt.NDArray[np.bool_]:
    left, worth, order = judged.astype(np.float64), np.ones(judged.shape[1]), []
    gone = np.zeros(len(judged), dtype=bool)
    for _ in range(min(cutoff, len(judged))):
        best = int(np.argmax(np.where(gone, -1.0, (left * worth).sum(axis=1))))
        gone[best] = True
        order.append(best)
        worth[judged[best]] *= 1.0 - alpha
    return judged[order]


def err_ia(found: npt.NDArray[np.bool_], subtopics: int, cutoff: int) -> float:
    """ERR-IA of ndeval: over that of a list in which every image is relevant to every subtopic.

    Args:
        found: (n, subtopics) relevance of the ranked images, n at most `cutoff`.
        subtopics: number of subtopics that have a relevant image at all; with none of them it is 0.
        cutoff: number of ranks.
    """
    if not subtopics:
        return 0.0
    gains = novelty(found, _ALPHA) / np.arange(1, len(found) + 1)
    return float(gains.sum() / (subtopics * (_ALPHA ** np.arange(cutoff) / np.arange(1, cutoff + 1)).sum()))
