"""The step of a build that waits for people: ask, look how far they are, and end or go on.

The build runs up to the pool and asks people. While too little is judged it ends, and the next build looks again:
nothing runs, and nothing is kept of it, while people judge (docs/decisions/0030-a-build-that-waits-ends.md). A look
fails without harm: the build waits on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Protocol

from fieldguide.annotation.lock import judgments_locked
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.standing import Standing, look
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.params import Params
from fieldguide.runtime.run import Run

_WAITS = (
    "the build waits for people. Run `fieldguide build` again when they have judged (or now with `--wait`).\n"
    "`fieldguide annotate status` says how far they are; `fieldguide build --resume` goes on with what there is."
)


@dataclass(frozen=True)
class Patience:
    """How a build waits for people.

    Attributes:
        resume: wait no longer: go on with the judgments that there are.
        every: look again every so many seconds until there are enough; None: end, to be run again.
    """

    EXIT_WAITS: ClassVar[int] = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong, try again later

    resume: bool = False
    every: float | None = None


class BuildStages(Protocol):
    """The part of a build that needs nobody."""

    def up_to(self, stage: str) -> None:
        """Run what `stage` needs, and it."""

    def all(self) -> None:
        """Run everything that was asked for."""


def people_judged(params: Params, paths: Paths, track: Track = silent) -> Standing:
    """Ask people what is due, take in what they gave, and say how far they are.

    Raises:
        FieldguideError: the server is needed and cannot be asked, or the log's chain is broken.
    """
    return look(Annotation(paths, params.annotate, params.release.name, track))


def wait_for_people(run: Run, stages: BuildStages, patience: Patience) -> bool:
    """Carry a build as far as people let it, as one Prefect flow.

    Returns:
        True if it was built, False if it waits.

    Raises:
        FieldguideError: a stage failed, or people could not be asked; in the latter case the build waits, too.
    """
    from prefect import flow

    def body() -> bool:
        stages.up_to("pool")
        if not _enough(run, patience):
            return False
        # Nobody adds judgments meanwhile: DVC would record a log that its qrels do not know.
        with judgments_locked(run.paths, wait=True):
            stages.all()
        return True

    return bool(flow(name="build", persist_result=False)(body)())


def _enough(run: Run, patience: Patience) -> bool:
    """Look, say what is news, and decide whether the build goes on; with patience, look until it does."""
    shown = ""
    while True:
        trouble = None
        try:
            standing = people_judged(run.params, run.paths, run.track)
            words, enough = str(standing), standing.enough
        except FieldguideError as error:
            trouble, words, enough = error, str(error), False
        if words != shown:
            print(words, flush=True)
        shown = words
        if enough or patience.resume:
            return True
        if patience.every is None:
            break
        time.sleep(patience.every)
    if trouble is not None:
        raise FieldguideError("the build waits, but people could not be asked, see above; then run it again")
    print(_WAITS, flush=True)
    return False
