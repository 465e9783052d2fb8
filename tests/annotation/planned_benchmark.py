"""A miniature benchmark with a plan, ready to be pushed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.records.topics import read_topics
from tests.annotation.real_server import REPOSITORY, people_params
from tests.builders import tiny_benchmark

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio


def params_of(name: str, **annotate: Any) -> Params:
    """Parameters of a benchmark of that name, without gold and stopping rule."""
    quiet = {"gold": None, "gold_share": 0.0, "stopping": None, "page": 4}
    params = people_params(**(quiet | annotate))
    return params.model_copy(update={"release": params.release.model_copy(update={"name": name})})


def planned(root: Path, *, name: str = "tiny", **annotate: Any) -> tuple[Paths, Params]:
    """Write `tiny_benchmark` with the repository's form and guidelines and a plan; nobody has judged."""
    params = params_of(name, **annotate)
    paths = tiny_benchmark(root, params)
    shutil.rmtree(paths.judgments.parent)
    shutil.rmtree(paths.qrels)
    paths.annotation.mkdir(exist_ok=True)
    for file in ("guidelines.md", "label_config.xml"):
        shutil.copy(REPOSITORY / "annotation" / file, paths.annotation / file)
    plan(paths, params)
    return paths, params


def plan(paths: Paths, params: Params) -> None:
    """Plan what is not covered yet."""
    subtopics = {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}
    previous = PLAN.read(paths.asked) if paths.asked.exists() else None
    version = read_guideline(paths.annotation / "guidelines.md").version
    PLAN.write(
        paths.asked,
        make_plan(POOLS.read(paths.pools), subtopics, params.annotate, version, previous=previous),
    )


def keys_there(client: LabelStudio, project: int) -> list[str]:
    """Page keys of a project's tasks, in the order in which they are shown."""
    query = json.dumps({"ordering": ["tasks:id"]})
    tasks = client.tasks.list(project=project, page_size=1000, fields="task_only", query=query)
    return [str(task.data.get("page_key")) for task in tasks.items or []]
