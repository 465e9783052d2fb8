"""Between two commits DVC shows what became of evaluation and checks: with the outputs that dvc.yaml declares."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from fieldguide.checks.expectations.run import Outcome, write_checks
from fieldguide.core.paths import Paths
from fieldguide.evaluation.leaderboard.evaluate import Evaluation, write_evaluation
from fieldguide.evaluation.leaderboard.rows import comparisons, leaderboard
from fieldguide.evaluation.section import Evaluate
from fieldguide.records.scores import SCORES
from tests.conftest import REPOSITORY

STAGES = {"check": "data/checks", "evaluate": "data/evaluation"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The stages check and evaluate with their outputs; what they write is copied from made/."""
    declared = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    stages = {
        name: {"cmd": f"mkdir -p {folder} && cp made/{folder}/* {folder}/", "deps": [f"made/{folder}"]}
        | {
            key: declared["stages"][name][key]
            for key in ("outs", "metrics", "plots")
            if key in declared["stages"][name]
        }
        for name, folder in STAGES.items()
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages, "metrics": declared["metrics"]}))
    (tmp_path / ".gitignore").write_text("/data\n")
    call(tmp_path, "git", "init", "-q")
    call(tmp_path, sys.executable, "-m", "dvc", "init", "-q")
    shutil.copytree(REPOSITORY / ".dvc" / "plots", tmp_path / ".dvc" / "plots")
    return tmp_path


def call(folder: Path, *command: str) -> str:
    user = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **user, "DVC_NO_ANALYTICS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def make(folder: Path, value: float, warned: int) -> None:
    """Outputs of both stages, reproduced and committed."""
    shutil.rmtree(folder / "made", ignore_errors=True)
    rows = [
        {"track": "rerank", "system": system, "topic_id": topic, "kind": "entity", "subtopic_id": f"{topic}.e1",
         "measure": "nDCG@10", "value": found, "defaulted": False}
        for system, found in (("visret", value), ("text", 0.25)) for topic in ("t1", "t2")
    ]  # fmt: skip
    scores = pd.DataFrame(rows)[[column.name for column in SCORES.columns]]
    chosen = Evaluate(measures=["nDCG@10"], headline="nDCG@10", baseline="text", permutations=10, seed=0)
    compared = comparisons(scores, chosen)
    board = leaderboard(scores, chosen, None, compared)
    paths = Paths(folder / "made")
    write_evaluation(paths.evaluation, Evaluation(scores, board, compared, (), {}))
    write_checks(paths, [Outcome("images", "is", "warning", not warned, warned, ())])
    call(folder, sys.executable, "-m", "dvc", "repro", "-q")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "made")


def dvc(folder: Path, *arguments: str) -> Any:
    return json.loads(call(folder, sys.executable, "-m", "dvc", *arguments, "--json"))


@pytest.mark.slow
def test_metrics_and_plots_show_the_change_between_commits(repository: Path) -> None:
    make(repository, 0.5, 0)
    make(repository, 0.75, 3)
    shown = dvc(repository, "metrics", "diff", "HEAD~1", "HEAD")
    assert shown == {
        "data/checks/metrics.json": {
            "images.rows_at_fault": {"old": 0, "new": 3, "diff": 3},
            "images.warnings": {"old": 0, "new": 1, "diff": 1},
        },
        "data/evaluation/metrics.json": {"rerank.entity.visret.nDCG@10": {"old": 0.5, "new": 0.75, "diff": 0.25}},
    }
    plots = dvc(repository, "plots", "diff", "HEAD~1", "HEAD")["data"]
    assert set(plots) == {"data/evaluation/plot.json"}
    [plot] = plots["data/evaluation/plot.json"]
    points = {(row["rev"], row["system"]): row for row in plot["content"]["data"]["values"]}
    assert {key: row["mean"] for key, row in points.items()} == {
        ("HEAD~1", "visret"): 0.5, ("HEAD~1", "text"): 0.25, ("HEAD", "visret"): 0.75, ("HEAD", "text"): 0.25,
    }  # fmt: skip
    assert points["HEAD", "visret"]["board"] == "rerank, entity: nDCG@10"
    assert {"low", "high"} <= set(points["HEAD", "visret"])
    assert "<DVC_METRIC" not in json.dumps(plot["content"])
