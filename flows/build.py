"""The whole benchmark: `python -m flows.build [STAGE ...]`, one Prefect flow around `dvc repro`.

DVC decides what has to run; this flow shows how far it is. `--serve MINUTES` registers it as a deployment that looks
again by itself every so many minutes, and can be started from Prefect's pages: for builds that wait for people.
"""

import sys
from datetime import timedelta
from pathlib import Path

from prefect import flow

from fieldguide.core.errors import ending_in_words
from fieldguide.runtime.builds.building import built, serving
from fieldguide.runtime.builds.waiting import Patience


@flow(persist_result=False)
def build(stages: list[str] | None = None, resume: bool = False, every: float | None = None, dry: bool = False) -> bool:
    """Run what is not up to date.

    Args:
        stages: up to these; all where none is named.
        resume: go on with the judgments that there are, where people judge.
        every: where people judge, look again every so many seconds; None: end, to be run again.
        dry: say what would run, and run nothing.

    Returns:
        False if the build waits for people, and is to be run again.
    """
    return built(stages or [], Patience(resume, every), dry)


def serve(minutes: int) -> None:
    """Serve the build as the deployment `build/build`, looking again every so many minutes, until interrupted."""
    with serving(Path.cwd()):
        build.serve(name="build", interval=timedelta(minutes=minutes), limit=1)


def main() -> None:
    """Build; a user's mistake is told without a traceback."""
    from fieldguide.runtime.builds.building import start

    with ending_in_words("build"):
        if sys.argv[1:2] == ["--serve"]:
            serve(int(sys.argv[2]))
        elif not start(build, stages=sys.argv[1:]):
            sys.exit(Patience.EXIT_WAITS)


if __name__ == "__main__":
    main()
