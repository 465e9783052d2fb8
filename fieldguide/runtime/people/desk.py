"""The manager's desk: plan, log and guidelines as they are now, and who holds them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from fieldguide.annotation.form.unshowable import pairs_of, read_unshowable
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import Guideline, archived, read_guideline
from fieldguide.annotation.judgments.log import Entry
from fieldguide.annotation.planning.assignment import Pair
from fieldguide.annotation.planning.coverage import Coverage, coverage
from fieldguide.annotation.planning.rows import plan_rows
from fieldguide.annotation.planning.stopping import Asked, Verdict, due, verdicts
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.records.topics import Subtopic, read_topics
from fieldguide.runtime.run import Run

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio


@contextlib.contextmanager
def alone(paths: Paths, *, wait: bool = False) -> Iterator[None]:
    """Hold off every other command that touches the judgments of this folder, or `wait` for it to end.

    Raises:
        FieldguideError: one is running.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(paths.state / "locks" / "judgments.lock", wait=wait))
        except FieldguideError:
            raise FieldguideError(
                "another `fieldguide annotate`, or a build that uses the judgments, is at work in this folder; "
                "do this again when it has ended"
            ) from None
        yield


@dataclass(frozen=True)
class Desk:
    """What lies on the manager's desk: the plan and the log as they are now, and the guidelines in force."""

    plan: pd.DataFrame
    entries: tuple[Entry, ...]
    guideline: Guideline
    compatible: frozenset[str]

    @property
    def versions(self) -> frozenset[str]:
        """Guidelines whose judgments count together: the one in force, and those with the same grades."""
        return self.compatible | {self.guideline.version}

    @property
    def in_force(self) -> tuple[Entry, ...]:
        """The judgments by these."""
        return tuple(entry for entry in self.entries if entry.guideline in self.versions)


def desk(paths: Paths) -> Desk:
    """Read plan and log; both may be missing.

    Raises:
        FieldguideError: the log's chain is broken, the plan is no plan, or the guidelines are not valid.
    """
    guideline = read_guideline(paths.annotation / "guidelines.md")
    known = archived(paths.used_guidelines).values()
    same = {g.version for g in known if (g.choices, g.grades) == (guideline.choices, guideline.grades)}
    plan = PLAN.read(paths.asked) if paths.asked.exists() else PLAN.frame([])
    return Desk(plan, read_log(paths), guideline, frozenset(same - {guideline.version}))


def read_log(paths: Paths) -> tuple[Entry, ...]:
    """The judgment log's lines, its chain verified; none where nobody has judged yet."""
    return log.read(paths.judgments).entries if paths.judgments.exists() else ()


def subtopics(paths: Paths) -> Mapping[str, Subtopic]:
    """All subtopics by id."""
    return {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}


def server(paths: Paths) -> LabelStudio:
    """A client of the annotation server, as its manager.

    Raises:
        FieldguideError: no server is known, or it has no account for this.
    """
    from fieldguide.annotation.label_studio.accounts import read_accounts
    from fieldguide.annotation.label_studio.client import connect

    return connect(read_accounts(paths))


def gold_of(run: Run, now: Desk) -> pd.DataFrame | None:
    """The images with known grades; None where params.yaml names no file of them."""
    if run.params.annotate.gold is None:
        return None
    from fieldguide.annotation.planning.gold import read_gold

    return read_gold(run.paths.root / run.params.annotate.gold, now.guideline)


def stale_gold(run: Run, gold: pd.DataFrame | None) -> list[str]:
    """Which gold nobody is asked, since its subtopic or its image is not there (any more)."""
    if gold is None:
        return []
    known = {"subtopic": set(subtopics(run.paths)), "image": set(IMAGES.read(run.paths.images)["image_id"])}
    lost = [
        f"{row.image_id} for {row.subtopic_id}"
        for row in gold.itertuples(index=False)
        if row.subtopic_id not in known["subtopic"] or row.image_id not in known["image"]
    ]
    if not lost:
        return []
    some = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
    return [
        f"{run.params.annotate.gold}: {len(lost)} of {len(gold)} rows are of no subtopic of the topics or no image of "
        f"the corpus and are asked of nobody: {some}"
    ]


def shown(run: Run, now: Desk) -> set[str]:
    """The pages that are to be before people now."""
    return due(_asked(run, now))


def judged_so_far(run: Run, now: Desk) -> list[Verdict]:
    """How far the judging of each subtopic is."""
    return verdicts(_asked(run, now))


def covered(run: Run, now: Desk) -> Coverage:
    """How much of what is asked is judged."""
    stopped = {verdict.subtopic_id for verdict in judged_so_far(run, now) if verdict.stopped}
    rows = plan_rows(now.plan)
    return coverage(
        rows, now.entries, run.params.annotate, now.versions, stopped, shown(run, now), _impossible(run, now)
    )


def _asked(run: Run, now: Desk) -> Asked:
    annotate, pools = run.params.annotate, run.paths.pools
    return Asked(
        now.plan, now.entries, annotate.stopping, POOLS.read(pools) if pools.exists() else None,
        overlap=annotate.overlap, assessors=annotate.assessors, guidelines=now.versions,
        impossible=_impossible(run, now),
    )  # fmt: skip


def _impossible(run: Run, now: Desk) -> Collection[Pair]:
    """What nobody can be asked, since the image cannot be shown."""
    return pairs_of(now.plan, read_unshowable(run.paths.unshowable))
