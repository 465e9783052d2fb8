"""Simulated assessors with known error rates, as plain votes: no server, no log."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

GRADES = (0, 1, 2)
PRIOR = (0.6, 0.15, 0.25)
ASSESSORS = {"ada": 0.05, "ben": 0.15, "cleo": 0.30}
"""Share of wrong answers, spread evenly over the wrong grades."""


@dataclass(frozen=True)
class Simulation:
    """`truth` and `votes` by (subtopic_id, image_id); `wrong`: each assessor's share of wrong votes."""

    truth: dict[tuple[str, str], int]
    votes: dict[tuple[str, str], dict[str, int]]

    @property
    def wrong(self) -> dict[str, float]:
        votes = [(a, g != self.truth[pair]) for pair, by in self.votes.items() for a, g in by.items()]
        return {name: float(np.mean([wrong for a, wrong in votes if a == name])) for name in ASSESSORS}

    def disagreed(self) -> dict[tuple[str, str], int]:
        """True grades of the pairs on which two votes differ: what an adjudicator would settle."""
        return {pair: self.truth[pair] for pair, by in self.votes.items() if len(set(by.values())) > 1}


def simulate(seed: int, tasks: int = 300, overlap: int = 2, gold: int = 0, topics: int = 10) -> Simulation:
    """`tasks` pairs over `topics` subtopics, each judged by `overlap` of the three; the first `gold` ones by all."""
    rng = np.random.default_rng(seed)
    teams = list(itertools.combinations(ASSESSORS, overlap))
    truth, votes = {}, {}
    for n in range(tasks):
        pair = (f"t{n % topics:03d}.e1", f"{n:06d}")
        truth[pair] = int(rng.choice(GRADES, p=PRIOR))
        votes[pair] = {}
        for assessor in ASSESSORS if n < gold else teams[n % len(teams)]:
            wrong = rng.random() < ASSESSORS[assessor]
            votes[pair][assessor] = (truth[pair] + int(rng.integers(1, 3))) % 3 if wrong else truth[pair]
    return Simulation(truth, votes)
