"""`python -m bench.annotation_pull [TASKS]`: pulling one-image tasks (10,000) with an annotation each.

first     seconds of the first pull, into an empty log
again     seconds of a second pull with nothing new
changed   seconds of a pull after one annotation was changed and one deleted, which it must find
whole     seconds of a pull that reads everything again
memory    peak resident MiB of this process and of the server's

Annotating by the API takes a quarter of an hour; here one annotation is made so, and copied in the server's data base.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from bench.annotation import large, peak_of
from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.sync.pull import Pulled, pull
from fieldguide.annotation.sync.push import push
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.plan import PLAN, plan_rows
from tests.annotation.real_server import LabelStudioServer
from tests.annotation.served_plan import CHOICES
from tests.annotation.simulated import Annotator, evenly_wrong


def annotate(server: LabelStudioServer, paths: Paths, params: Params) -> Annotator:
    """One real annotation, and a copy of it for every other task, as if each had been given a moment later."""
    truth = {row.task_key: CHOICES[0] for row in plan_rows(PLAN.read(paths.asked))}
    ada = Annotator("ada", server.accounts, evenly_wrong(CHOICES, 0.2), truth)
    [project] = find_projects(server.client(), params.release.name)
    ada.judge(project.id, pages=1)
    server.kill()
    [path] = paths.annotation_state.rglob("label_studio.sqlite3")
    with sqlite3.connect(path) as base:
        columns = [row[1] for row in base.execute("PRAGMA table_info(task_completion)")]
        kept = [c for c in columns if c not in ("id", "task_id", "unique_id")]
        base.execute(
            f"INSERT INTO task_completion (task_id, {', '.join(kept)}) SELECT t.id, c.{', c.'.join(kept)} "
            "FROM task t, task_completion c WHERE t.id NOT IN (SELECT task_id FROM task_completion)"
        )
        base.execute(
            "UPDATE task SET total_annotations = 1, is_labeled = 1, updated_at = datetime(updated_at, id || ' seconds')"
        )
    server.restart()
    return ada


def timed(server: LabelStudioServer, paths: Paths, params: Params, name: str, **options: bool) -> Pulled:
    """Pull, and say how long it took."""
    start = time.perf_counter()
    pulled = pull(server.client(), paths, params.annotate, params.release.name, **options)
    seconds = time.perf_counter() - start
    print(
        f"{name:9} {seconds:7.1f} s: {pulled.read} annotations read, {pulled.judged} judged, "
        f"{pulled.superseded} superseded, {pulled.withdrawn} withdrawn, {pulled.quarantined} quarantined"
    )
    return pulled


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        paths, params = large(Path(folder) / "benchmark", tasks)
        with LabelStudioServer.fresh(paths.root, params) as server:
            push(server.client(), paths, params.annotate, params.release.name)
            ada = annotate(server, paths, params)
            timed(server, paths, params, "first")
            timed(server, paths, params, "again")
            [number] = ada.annotations.values()
            ada.change(number, result=result_of({1: CHOICES[3]}))
            ada.delete(number + 1)
            timed(server, paths, params, "changed")
            timed(server, paths, params, "whole", full=True)
            mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"memory    {mine:7.0f} MiB here, {peak_of(server):.0f} MiB the server")


if __name__ == "__main__":
    main()
