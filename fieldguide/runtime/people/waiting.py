"""The human step of a build: ask, suspend, look again, go on.

The build runs up to the pool, asks people (human.py) and suspends its flow run (suspended.py) until
enough of what was asked is judged. Every look plans, pulls, asks what has become due and counts; it may be
repeated at any time and changes nothing where nothing is new. A look fails without harm: the build waits on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from fieldguide.core.errors import FieldguideError
from fieldguide.runtime.people.desk import alone
from fieldguide.runtime.people.human import look
from fieldguide.runtime.people.suspended import carry_out, pause, unfinished, waits, was_told
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


class Machines(Protocol):
    """What a build runs by itself."""

    def up_to(self, stage: str) -> None:
        """Run what `stage` needs, and it."""

    def all(self) -> None:
        """Run everything that was asked for."""


@dataclass
class _Step:
    run: Run
    machines: Machines
    told: bool
    shown: str = ""
    trouble: FieldguideError | None = field(default=None, init=False)

    def enough(self) -> bool:
        """Look how far people are, say so if it is news, and decide whether the build goes on."""
        self.machines.up_to("pool")
        try:
            standing, self.trouble = look(self.run), None
        except FieldguideError as error:
            self.trouble = error
        words = str(self.trouble or standing)
        if words != self.shown:
            print(words, flush=True)
        self.shown = words
        return self.told or (self.trouble is None and standing.enough)

    def first(self) -> None:
        """The whole build, as the body of its flow run."""
        if not self.enough():
            pause(self.shown)
        self.rest()

    def rest(self) -> None:
        """What needs the judgments. Nobody adds any meanwhile: DVC would record a log that its qrels do not know."""
        with alone(self.run.paths, wait=True):
            self.machines.all()


def wait_for_people(run: Run, machines: Machines, patience: Patience) -> bool:
    """Carry a build as far as people let it.

    Returns:
        True if it ended, False if it waits: its flow run is suspended then.

    Raises:
        FieldguideError: a stage failed, or people could not be asked; in the latter case the build waits, too.
    """
    paths, left = run.paths, unfinished(run.paths)
    step = _Step(run, machines, told=patience.resume or (left is not None and was_told(left)))
    if left is None or not waits(left):
        if carry_out(paths, step.first, left):
            return True
    elif step.enough():
        return carry_out(paths, step.rest, left)
    while patience.every is not None:
        time.sleep(patience.every)
        if step.enough():
            return carry_out(paths, step.rest, unfinished(paths))
    if step.trouble:
        raise FieldguideError("the build waits, but people could not be asked, see above; then run it again")
    print(_WAITS, flush=True)
    return False
