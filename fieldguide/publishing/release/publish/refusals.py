"""Everything for which a release is not published, whatever the place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.params import read_params
from fieldguide.publishing.release.layout import ABOUT
from fieldguide.publishing.release.private.keeping import verify_withheld
from fieldguide.publishing.release.private.sealed import ABOUT as SEALED
from fieldguide.publishing.release.publish.files import ReleaseFile
from fieldguide.publishing.release.publish.leaks.find import find_leaks
from fieldguide.publishing.release.publish.leaks.machine import kinds_here
from fieldguide.publishing.release.verify import verify_release

_CHECKS = "checks.json"


def refusals(
    folder: Path,
    files: Sequence[ReleaseFile],
    agreed: Set[str] = frozenset(),
    locations: bool = False,
    track: Track = silent,
) -> Iterator[Problem]:
    """What verifying finds, expectations of severity error that do not hold, and what must not be told.

    What is withheld must not be told either, and is looked for where `.private` lies in the working folder.

    Args:
        folder: of the release.
        files: of the release.
        agreed: names and e-mail addresses whose owners agreed to be named.
        locations: photographs may say where they were taken.
        track: shows how far it is.
    """
    try:
        verify_release(folder)
    except ProblemsError as error:
        yield from error.problems
    except FieldguideError as error:
        yield Problem(str(folder), str(error).removeprefix(f"{folder}: "))
    yield from _withheld(folder, Paths().private)
    yield from _failed(folder / _CHECKS)
    yield from find_leaks(folder, files, kinds_here(os.environ, Path.cwd()), agreed, locations, track)


def _withheld(folder: Path, private: Path) -> Iterator[Problem]:
    """What a release tells of the private part that lies here, and a release that withholds nothing of one."""
    try:
        withholds = "private" in read_json(folder / ABOUT)
    except (FieldguideError, TypeError):
        return  # verifying says what is wrong with it
    sealed = (private / SEALED).is_file()
    if not withholds and (sealed or _is_to_withhold(folder) or _is_to_withhold(private.parent)):
        why = f"{private} holds a private part" if sealed else "params.yaml has release.private"
        yield Problem(
            str(folder), f"withholds nothing, and {why}; `fieldguide build release` makes it without that part"
        )
    if not (withholds and sealed):
        return
    try:
        verify_withheld(folder, private)
    except ProblemsError as error:
        yield from error.problems
    except FieldguideError as error:
        yield Problem(str(private), str(error).removeprefix(f"{private}: "))


def _is_to_withhold(folder: Path) -> bool:
    path = folder / "params.yaml"
    try:
        return path.is_file() and read_params(path).release.private is not None
    except FieldguideError:
        return False


def _failed(path: Path) -> Iterator[Problem]:
    try:
        checks = read_json(path)["checks"]
        failed = [check for check in checks if check["severity"] == "error" and check["success"] is not True]
        told = [(check["table"], check["expectation"], int(check["unexpected"])) for check in failed]
    except FieldguideError as error:
        yield Problem(str(path), str(error).removeprefix(f"{path}: "))
        return
    except (KeyError, TypeError, ValueError) as error:
        yield Problem(str(path), f"does not say what was expected and whether it holds: {error!r}")
        return
    for table, expectation, unexpected in told:
        yield Problem(str(path), f"{table}: {expectation}: does not hold ({unexpected} rows); mend it, and build again")
