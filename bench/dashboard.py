"""`python -m bench.dashboard [JUDGMENTS]`: the manager's page of 65,000 judgments by six people, without a server.

read      seconds of a processor to read plan and log, the log's chain verified
figures   the same, of all that is counted
page      the same, to write index.html and the tables, reading and counting in it; MiB of the page, of the tables
memory    peak resident MiB of a process that does just this
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bench.annotation import large
from fieldguide.annotation.dashboard.figures import dashboard_figures
from fieldguide.annotation.dashboard.pictures import Thumbnails
from fieldguide.annotation.dashboard.writing import PAGE, TABLES, looking, write_dashboard
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.planning.draws import draw
from fieldguide.annotation.planning.pages import rows_by_page
from fieldguide.core.paths import Paths
from fieldguide.records.plan import PLAN, plan_rows
from tests.annotation.planned_benchmark import params_of

_PEOPLE = ["ada", "ben", "cleo", "eva", "finn", "gil"]
_SECTION = {"assessors": _PEOPLE, "overlap": 2, "page": 8, "repeat_share": 0.0}
_START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def judge(paths: Paths) -> None:
    """Everybody judges the own pages, 200 a day, 20 s a page; one answer in eight is another than the others'."""
    choices = list(read_guideline(paths.annotation / "guidelines.md").choices.items())[:3]
    said, given = [], dict.fromkeys(_PEOPLE, 0)
    for page in rows_by_page(plan_rows(PLAN.read(paths.asked))).values():
        name = page[0].assessor
        given[name] += 1
        at = _START + timedelta(days=given[name] // 200, seconds=20 * (given[name] % 200))
        for row in page:
            right = int(draw(0, row.image_id) < 0.3)
            choice, grade = choices[right if draw(0, name, row.task_key) > 0.125 else 2]
            said.append(
                Judgment(
                    subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=name, grade=grade, choice=choice,
                    guideline=row.guideline, judged_at=at.isoformat(), pass_=row.pass_, seconds=2.2,
                )
            )  # fmt: skip
    log.append(paths.judgments, said)


def measure(root: Path) -> None:
    """Measure what was written below `root`, and print."""
    params = params_of("large", **_SECTION)
    annotation = Annotation(Paths(root / "benchmark"), params.annotate, params.release.name)
    look, folder = looking(annotation), root / "page"
    times = [time.process_time()]
    now, lines = look()
    times.append(time.process_time())
    dashboard_figures(now, lines, annotation.benchmark)
    times.append(time.process_time())
    count = len(now.entries)
    del now, lines  # the page reads its own
    write_dashboard(look, annotation.benchmark, folder, Thumbnails(annotation.paths))
    times.append(time.process_time())
    read, figures, page = (after - before for before, after in pairwise(times))
    sizes = [(folder / PAGE).stat().st_size, sum((folder / name).stat().st_size for name in TABLES)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} judgments: read {read:.1f} s, figures {figures:.1f} s, page {page:.1f} s")
    print(f"index.html {sizes[0] / 2**20:.2f} MiB, tables {sizes[1] / 2**20:.1f} MiB, memory {memory:.0f} MiB")


def main() -> None:
    """Write a benchmark and its log, and measure in a process of its own, whose memory is the page's alone."""
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 65_000
    with tempfile.TemporaryDirectory() as place:
        paths, _ = large(Path(place) / "benchmark", count // 2, **_SECTION)
        judge(paths)
        subprocess.run([sys.executable, "-m", "bench.dashboard", "--measure", place], check=True)


if __name__ == "__main__":
    main()
