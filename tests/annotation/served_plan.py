"""A small plan and its pages on a real server, without push: what pull is tested with."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pandas as pd

from fieldguide.annotation.form.task import ShownPage, task_data
from fieldguide.annotation.form.template import label_config
from fieldguide.annotation.judgments.guidelines import Guideline, archive, read_guideline
from fieldguide.annotation.judgments.log import task_key
from fieldguide.annotation.label_studio import projects
from fieldguide.annotation.label_studio.projects import WantedProject
from fieldguide.annotation.planning.plan import page_key
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.plan import ANYBODY, PLAN, PlanRow, plan_rows
from tests.annotation.real_server import REPOSITORY, LabelStudioServer

GUIDELINES = REPOSITORY / "annotation" / "guidelines.md"
CHOICES = tuple(read_guideline(GUIDELINES).choices)


def small_plan(params: Params, subtopics: int = 3, images: int = 8, adjudicate: int = 0) -> pd.DataFrame:
    """Every image of every subtopic asked of `overlap` assessors in turn, `annotate.page` a page."""
    annotate, guideline = params.annotate, read_guideline(GUIDELINES).version
    shared = annotate.projects == "shared"
    teams = [(ANYBODY,)] if shared else list(combinations(annotate.assessors, annotate.overlap))
    rows: list[dict[str, Any]] = []
    for s in range(subtopics):
        subtopic = f"t{s:08x}.e1"
        for assessor in teams[s % len(teams)]:
            asked = [(f"i{s:03d}{n:04d}", n) for n in range(1, images + 1)]
            for start in range(0, images, annotate.page):
                rows += _page(assessor, subtopic, asked[start : start + annotate.page], guideline, "judge", s)
    for s in range(adjudicate):
        rows += _page(str(annotate.adjudicator), f"t{s:08x}.e1", [(f"i{s:03d}{1:04d}", 1)], guideline, "adjudicate", s)
    frame = PLAN.frame(rows).sort_values(["assessor", "queue", "position"], kind="stable", ignore_index=True)
    return frame.astype({"pass": "int64", "rank": "int64", "position": "int64", "queue": "int64", "sighted": "bool"})


def serve(server: LabelStudioServer, plan: pd.DataFrame) -> dict[str, int]:
    """Write the plan and the guidelines, make a project for each assessor with its pages; numbers by assessor."""
    guideline = prepare(server.paths, plan)
    client = server.client()
    made = {}
    template = (REPOSITORY / "annotation" / "label_config.xml").read_text(encoding="utf-8")
    for assessor, rows in plan.groupby("assessor", sort=True):
        group = "adjudicate" if set(rows["purpose"]) == {"adjudicate"} else "judge"
        wanted = WantedProject(
            server.params.release.name, str(assessor), group, guideline.version,
            label_config(template, guideline, server.params.annotate.page), "read", server.params.annotate.overlap,
        )  # fmt: skip
        project, _ = projects.ensure(client, wanted, projects.found_projects(client, server.params.release.name))
        client.projects.import_tasks(project.id, request=tasks(rows))
        made[str(assessor)] = project.id
    return made


def prepare(paths: Paths, plan: pd.DataFrame) -> Guideline:
    """Write what pull reads beside the server."""
    PLAN.write(paths.asked, plan)
    return archive(GUIDELINES, paths.used_guidelines)


def tasks(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The server's tasks of plan rows, in the order of the queue."""
    pages: dict[str, list[PlanRow]] = {}
    for row in sorted(plan_rows(rows), key=lambda row: (row.queue, row.position)):
        pages.setdefault(row.page_key, []).append(row)
    return [{"data": task_data(_asked(key, page))} for key, page in pages.items()]


def _asked(key: str, page: list[PlanRow]) -> ShownPage:
    return ShownPage(
        page_key=key, question="Which is greener?", entity="granny smith", feature="skin colour", part="skin",
        references=(), images=tuple(f"http://images.example/{row.image_id}" for row in page),
        items=tuple((row.task_key, row.image_id) for row in page),
    )  # fmt: skip


def _page(
    assessor: str, subtopic: str, asked: list[tuple[str, int]], guideline: str, purpose: str, queue: int
) -> list[dict[str, Any]]:
    keys = [task_key(subtopic, image, guideline, 1) for image, _ in asked]
    names = [column.name for column in PLAN.columns]
    page = page_key(assessor, keys)
    return [
        dict(zip(names, (*who_what, image, guideline, 1, purpose, False, rank, page, n, queue + 1), strict=True))
        for n, (key, (image, rank)) in enumerate(zip(keys, asked, strict=True), 1)
        for who_what in [(assessor, key, subtopic)]
    ]
