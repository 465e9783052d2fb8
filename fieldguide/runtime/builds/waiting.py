"""The step of a build that waits for people: ask, look how far they are, and end or go on.

The build runs up to the pool and asks people. While too little is judged it ends, and the next build looks again:
nothing runs, and nothing is kept of it, while people judge (docs/decisions/0017-a-build-that-waits-ends.md). A look
fails without harm: the build waits on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.standing import look
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.params import Params

_WAITS = (
    "the build waits for people. Run `fieldguide build` again when they have judged (or now with `--wait`).\n"
    "`fieldguide annotate status` says how far they are; `fieldguide build --resume` goes on with what there is."
)


@dataclass(frozen=True)
class Patience:
    """How a build waits for people.

    `resume`: no longer: it goes on with the judgments that there are. `every`: it looks again every so many
    seconds until there are enough; None: it ends, to be run again.
    """

    EXIT_WAITS: ClassVar[int] = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong, try again later

    resume: bool = False
    every: float | None = None


def judged_enough(params: Params, paths: Paths, patience: Patience, track: Track = silent) -> bool:
    """Ask people what is due, take in what they gave, say what is news; whether the build goes on.

    With patience it looks again and again until it does.

    Raises:
        FieldguideError: people could not be asked; the build waits, too.
    """
    excluded, shown = params.adjudicate.excluded, ""
    annotation = Annotation(paths, params.annotate, params.release.name, track, excluded)
    while True:
        trouble = None
        try:
            standing = look(annotation)
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
