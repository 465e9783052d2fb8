"""From a real server to what is known of the people: agreement, error rates, and the one who only clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fieldguide.annotation.agreement.agreement import agreement
from fieldguide.annotation.agreement.figures import figures_of
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.adjudication import adjudicate
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.disputes import disputed
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.annotation.sync.pull import pull
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.records.topics import Subtopic, Topic
from tests.annotation.real_server import LabelStudioServer, people_params
from tests.annotation.reference_alpha import reference_alpha
from tests.annotation.served_plan import GUIDELINES, serve
from tests.annotation.simulated import Annotator, Confusion, at_random, evenly_wrong

pytestmark = pytest.mark.slow

GUIDELINE = read_guideline(GUIDELINES)
GRADED = tuple(choice for choice, grade in GUIDELINE.choices.items() if grade is not None)
RATES = {"ada": 0.05, "ben": 0.15, "cleo": 0.30}
NAMES = tuple(RATES)


@dataclass
class Work:
    """Pairs with their true choices, a plan, and people who judge it on a server."""

    server: LabelStudioServer
    pools: pd.DataFrame
    gold: dict[Pair, int]
    plan: pd.DataFrame
    truth: dict[tuple[str, str], str]
    people: dict[str, Annotator]

    def judge(self, rows: pd.DataFrame) -> tuple[LogEntry, ...]:
        """Serve rows of the plan, have them judged, pull."""
        truth = {row.task_key: self.truth[row.subtopic_id, row.image_id] for row in self.plan.itertuples()}
        for name, project in serve(self.server, rows).items():
            self.people[name].truth = truth
            self.people[name].judge(project)
        PLAN.write(self.server.paths.asked, self.plan)
        pull(self.server.client(), self.server.paths, self.server.params.annotate, self.server.params.release.name)
        return log.read(self.server.paths.judgments).entries

    def wrong(self, name: str) -> float:
        """Share of a person's answers that are wrong, as they came out."""
        person = self.people[name]
        return float(np.mean([choice != person.truth[key] for key, choice in person.given.items()]))


def work_of(
    server: LabelStudioServer, subtopics: int, images: int, gold: int, confusions: Mapping[str, Confusion]
) -> Work:
    topics = [
        Topic(f"t{n:08x}", "entity", "entity", f"Is it red ({n})?", ("a",), "skin colour", "skin", "red", {"a": "red"})
        for n in range(subtopics)
    ]
    known: dict[str, Subtopic] = {s.subtopic_id: s for topic in topics for s in topic.subtopics}
    pools = POOLS.frame(
        [
            {"subtopic_id": s, "image_id": f"i{n:04d}", "systems": ["x"], "ranks": [n + 1], "best_rank": n + 1,
             "sampled": False}
            for s in known
            for n in range(images)
        ]
    )  # fmt: skip
    rng = np.random.default_rng(5)
    pairs = list(zip(pools["subtopic_id"], pools["image_id"], strict=True))
    truth = {pair: str(rng.choice(GRADED)) for pair in pairs}
    chosen = sorted(pairs, key=lambda pair: (pair[1], pair[0]))[:gold]
    known_grades = {pair: GUIDELINE.choices[truth[pair]] or 0 for pair in chosen}
    plan = make_plan(pools, known, server.params.annotate, GUIDELINE.version, known_grades)
    people = {name: Annotator(name, server.accounts, how, {}, seed=1) for name, how in confusions.items()}
    return Work(server, pools, known_grades, plan, truth, people)


@pytest.fixture
def people_server(migrated: Path, tmp_path: Path) -> LabelStudioServer:
    """Ada, ben, cleo and dora; each image is asked of two, gold of all."""
    params = people_params(page=8, overlap=2, gold_share=0.5, repeat_share=0, preannotation=None)
    return LabelStudioServer.fresh(tmp_path / "benchmark", params)


def test_300_tasks_give_back_agreement_and_error_rates(people_server: LabelStudioServer) -> None:
    confusions = {name: evenly_wrong(GRADED, rate) for name, rate in RATES.items()}
    with people_server as server:
        work = work_of(server, 10, 30, 30, confusions | {"dora": evenly_wrong(GRADED, 0.0)})
        entries = work.judge(work.plan)
        assert len(entries) == len(work.plan) == 270 * 2 + 30 * 3
        alpha = agreement(entries, draws=100).overall
        assert alpha.ordinal.value == pytest.approx(directly(work, "ordinal"), abs=1e-9)
        assert alpha.nominal.value == pytest.approx(directly(work, "nominal"), abs=1e-9)

        ruled = disputed(entries, work.plan, server.params.annotate)
        work.plan = pd.concat([work.plan, ruled], ignore_index=True)
        entries = work.judge(ruled)
        assert sum(entry.role == "adjudicator" for entry in entries) == len(ruled) > 50
        assert len(disputed(entries, work.plan, server.params.annotate)) == 0

        decided = adjudicate(entries, work.pools, "dawid-skene", work.gold)
        found = {errors.assessor: errors.error_rate for errors in decided.consensus.errors}
        assert sorted(found) == list(NAMES)
        for name in NAMES:
            assert found[name] == pytest.approx(work.wrong(name), abs=0.05)
        assert np.mean([abs(found[name] - RATES[name]) for name in NAMES]) < 0.05
        grades = decided.qrels.set_index(["subtopic_id", "image_id"])["grade"]
        right = [grades[pair] == GUIDELINE.choices[choice] for pair, choice in work.truth.items()]
        assert np.mean(right) > 0.97  # only what two assessors got wrong in the same way is left


def test_gold_catches_the_one_who_only_clicks(people_server: LabelStudioServer) -> None:
    confusions = {name: evenly_wrong(GRADED, 0.05) for name in ("ada", "ben")} | {"cleo": at_random(GRADED)}
    with people_server as server:
        work = work_of(server, 6, 12, 24, confusions)
        figures = figures_of(work.plan, work.judge(work.plan), work.gold, server.params.annotate)
        failed = {p.name for p in figures.people if any(flag.kind == "gold failed" for flag in p.flags)}
        assert failed == {"cleo"}


def directly(work: Work, level: str) -> float:
    """Alpha of what the people themselves remember to have answered."""
    grades = [
        {
            name: grade
            for name in NAMES
            if (grade := GUIDELINE.choices.get(work.people[name].given.get(key))) is not None
        }
        for key in sorted(set(work.plan["task_key"]))
    ]
    return reference_alpha(grades, level)
