"""`python -m bench.dashboard [JUDGMENTS]`: the manager's page of 65,000 judgments by six people, without a server.

read      seconds of a processor to read plan and log, the log's chain verified
figures   the same, of all that is counted
page      the same, to write index.html and the tables, reading and counting in it; MiB of the page, of the tables
memory    peak resident MiB of this process
"""

from __future__ import annotations

import resource
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

_PEOPLE = ["ada", "ben", "cleo", "eva", "finn", "gil"]
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


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 65_000
    with tempfile.TemporaryDirectory() as place:
        paths, params = large(Path(place), count // 2, assessors=_PEOPLE, overlap=2, page=8)
        judge(paths)
        annotation = Annotation(paths, params.annotate, params.release.name)
        look, folder = looking(annotation), Path(place) / "page"
        times = [time.process_time()]
        now, lines = look()
        times.append(time.process_time())
        dashboard_figures(now, lines, annotation.benchmark)
        times.append(time.process_time())
        write_dashboard(look, annotation.benchmark, folder, Thumbnails(paths))
        times.append(time.process_time())
        read, figures, page = (after - before for before, after in pairwise(times))
        sizes = [(folder / PAGE).stat().st_size, sum((folder / name).stat().st_size for name in TABLES)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(now.entries):,} judgments: read {read:.1f} s, figures {figures:.1f} s, page {page:.1f} s")
    print(f"index.html {sizes[0] / 2**20:.2f} MiB, tables {sizes[1] / 2**20:.1f} MiB, memory {memory:.0f} MiB")


if __name__ == "__main__":
    main()
