"""A benchmark in miniature as a Git and DVC repository, in which people judge: from `pool` on, by the real stages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.core.paths import Paths
from fieldguide.params import read_params
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.records.topics import read_topics
from tests.builders import tiny_benchmark, tiny_params
from tests.conftest import copy_project
from tests.prefect_state import own_environment, place_prefect

STAGES = ("pool", "adjudicate", "check", "evaluate", "report")
BEFORE_THE_REPORT = ("fitness", "diagnose", "answer")
ANNOTATE: dict[str, Any] = {
    "assessors": ["ada", "ben"], "adjudicator": None, "overlap": 1, "gold": None, "gold_share": 0, "repeat_share": 0,
    "page": 4, "stopping": None, "preannotation": None,
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A benchmark's folder and the commands a user would type there."""

    folder: Path

    @property
    def paths(self) -> Paths:
        return Paths(self.folder)

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        # A Prefect server a build takes longer than all that these builds do; test_build has one.
        return {**own_environment(), "PATH": path, "OMP_NUM_THREADS": "1", "FIELDGUIDE_TRACK": "0"}

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a Python module's command in the folder."""
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=self.folder, capture_output=True, text=True, timeout=300,
            env={**self.environment, **environment}, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)

    def params(self, section: str, **keys: Any) -> None:
        """Change keys of one section of params.yaml."""
        path = self.folder / "params.yaml"
        values = yaml.safe_load(path.read_text())
        values[section] = values[section] | keys
        path.write_text(yaml.safe_dump(values, sort_keys=False))


def make_site(folder: Path, stages: Sequence[str] = STAGES, **annotate: Any) -> Site:
    """A tiny benchmark whose grades come from the log, which is empty: nobody has judged."""
    site = Site(copy_project(folder))
    params = tiny_params(annotate=ANNOTATE | annotate, adjudicate={"judge": "log"})
    tiny_benchmark(folder, params)
    for made in (site.paths.judgments.parent, site.paths.qrels):
        shutil.rmtree(made)
    site.paths.pools.unlink()
    values = params.model_dump(mode="json", exclude_none=False)
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
    wanted = [*stages, *(BEFORE_THE_REPORT if "report" in stages else ())]
    chosen = {name: stage for name, stage in pipeline["stages"].items() if name in wanted}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": chosen}, sort_keys=False))
    for dependency in {path for stage in chosen.values() for path in stage["deps"]}:
        if dependency.startswith("data/") and not Path(dependency).suffix and "$" not in dependency:
            (folder / dependency).mkdir(parents=True, exist_ok=True)  # what other systems need: there and empty
    (folder / "dvc.lock").unlink()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True, capture_output=True)
    site.run("dvc", "init", "-q")
    place_prefect(folder)
    return site


def judge(site: Site, assessor: str, choose: Callable[[str, str], str], *, last: int | None = None) -> None:
    """Put judgments of what is asked (of the pool, if nothing is planned) into the log, as a pull would."""
    from fieldguide.annotation.judgments.guidelines import archive

    guideline = archive(site.paths.annotation / "guidelines.md", site.paths.used_guidelines)
    params = read_params(site.folder / "params.yaml")
    assert assessor in params.annotate.assessors
    if site.paths.asked.exists():  # what this assessor was asked
        asked = PLAN.read(site.paths.asked)
        asked = asked[asked["assessor"] == assessor]
    else:
        asked = POOLS.read(site.paths.pools)
    pairs = sorted(zip(asked["subtopic_id"], asked["image_id"], strict=True))[: last or None]
    site.paths.judgments.touch()
    known = {(e.subtopic_id, e.image_id, e.assessor) for e in log.read(site.paths.judgments).entries}
    new = [
        Judgment(
            subtopic_id=subtopic, image_id=image, assessor=assessor, choice=choose(subtopic, image),
            grade=guideline.choices[choose(subtopic, image)], guideline=guideline.version,
            judged_at="2025-05-20T09:30:00+00:00", seconds=2.0,
        )
        for subtopic, image in pairs
        if (subtopic, image, assessor) not in known
    ]  # fmt: skip
    log.append(site.paths.judgments, new)


def truth(site: Site) -> Callable[[str, str], str]:
    """What an assessor who knows everything chooses for a subtopic and an image."""
    images = IMAGES.read(site.paths.images)
    shown = dict(zip(images["image_id"], images["entity_id"], strict=True))
    asked = {s.subtopic_id: s.entity_id for t in read_topics(site.paths.topics) for s in t.subtopics}
    return lambda subtopic, image: "plainly-visible" if shown[image] == asked[subtopic] else "not-visible"
