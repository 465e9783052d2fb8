"""Which systems notice that a question was changed: a system that does not is a bag of words.

The idea is that of ARO (Yuksekgonul, Bianchi, Kalluri, Jurafsky and Zou, When and why vision-language models behave
like bags-of-words, ICLR 2023, arXiv 2210.01936), asked of rankings instead of captions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.core.files import write_json
from fieldguide.records.scores import PROBES_VERSION

PERSISTENCE = 0.9
"""Of a reader going down a ranking: the first ten ranks then have 86 % of the weight (Webber et al. 2010)."""
_ORDER, _FEATURE, _ENTITY = ("swap", "shuffle"), "drop", "relative"


@dataclass(frozen=True)
class Reaction:
    """One system and one way of changing questions.

    Attributes:
        overlap: mean rank-biased overlap of the rankings for the unchanged and the changed question, 0..1.
        reacts: overlap is below params.Probe.same.
        before: headline measure of the unchanged questions, against the same judgments; after: of the changed ones.
        subtopics: that were ranked both ways.
    """

    system: str
    probe: str
    overlap: float
    reacts: bool
    before: float
    after: float
    subtopics: int


@dataclass(frozen=True)
class ProbesReport:
    """What probes.json holds; `skipped`: questions that could not be changed, each with its reason."""

    settings: dict[str, Any]
    reactions: tuple[Reaction, ...]
    verdicts: dict[str, str]
    skipped: tuple[dict[str, str], ...]


def rank_biased_overlap(one: Sequence[str], other: Sequence[str], p: float = PERSISTENCE) -> float:
    """RBO_ext of two rankings of equal depth, 0..1 (Webber, Moffat and Zobel, ACM TOIS 2010, equation 30).

    Rankings of unlike length are compared down to the shorter one's depth; two empty ones are the same.
    """
    depth = min(len(one), len(other))
    if depth == 0:
        return 1.0 if len(one) == len(other) else 0.0
    seen: set[str] = set()
    others: set[str] = set()
    common, total = 0, 0.0
    for rank, (a, b) in enumerate(zip(one, other, strict=False), 1):
        common += (a == b) + (a in others) + (b in seen)
        seen.add(a)
        others.add(b)
        total += p**rank * common / rank
    return min(1.0, p**depth * common / depth + total * (1 - p) / p)


def reaction(
    system: str,
    probe: str,
    rankings: tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]],
    scores: tuple[Mapping[str, float], Mapping[str, float]],
    same: float,
) -> Reaction | None:
    """Compare a system's rankings of unchanged and changed questions.

    Args:
        system: its name.
        probe: how the questions were changed.
        rankings: image_ids, best first, by subtopic_id: unchanged and changed.
        scores: the headline measure by subtopic_id: unchanged and changed.
        same: overlap from which on rankings count as the same.

    Returns:
        None where no subtopic was ranked both ways.
    """
    both = sorted(set(rankings[0]) & set(rankings[1]))
    if not both:
        return None
    overlap = float(np.mean([rank_biased_overlap(rankings[0][key], rankings[1][key]) for key in both]))
    scored = [key for key in both if key in scores[0] and key in scores[1]]
    before, after = (float(np.mean([s[key] for key in scored])) if scored else 0.0 for s in scores)
    return Reaction(system, probe, overlap, overlap < same, before, after, len(both))


def verdict(reactions: Sequence[Reaction]) -> str:
    """What a system's reactions say about it, in words."""
    deaf = {r.probe for r in reactions if not r.reacts}
    said = []
    if deaf & set(_ORDER):
        said.append("a bag of words: the order of words does not count")
    if _FEATURE in deaf:
        said.append("the feature does not count")
    if _ENTITY in deaf:
        said.append("an entity and its relatives are the same to it")
    return "; ".join(said) or "reacts to every change"


def write_probes(
    path: Path, reactions: Sequence[Reaction], skipped: Sequence[tuple[str, str, str]], settings: Mapping[str, Any]
) -> None:
    """Write probes.json.

    Args:
        path: the file.
        reactions: of all systems.
        skipped: (alteration, topic_id, reason) of questions that could not be changed.
        settings: the stage's parameters, and the headline measure as `measure`.
    """
    systems = list(dict.fromkeys(r.system for r in reactions))
    write_json(
        path,
        {
            "schema_version": PROBES_VERSION,
            "settings": dict(settings),
            "reactions": [asdict(r) for r in reactions],
            "verdicts": {s: verdict([r for r in reactions if r.system == s]) for s in systems},
            "skipped": [{"probe": probe, "topic_id": topic, "reason": reason} for probe, topic, reason in skipped],
        },
    )


def ranked(run: pd.DataFrame) -> dict[str, list[str]]:
    """image_ids, best first, by subtopic_id, of a run with the fields of records.RunLine."""
    ordered = run.sort_values(["subtopic_id", "rank"])
    return {str(key): list(group) for key, group in ordered.groupby("subtopic_id", observed=True)["image_id"]}
