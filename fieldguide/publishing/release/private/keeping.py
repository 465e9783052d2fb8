"""What a curator does with the private part by hand: make its salt, seal it anew, hold a release against it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json, write_private
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.layout import ABOUT
from fieldguide.publishing.release.private.leaks import leaks
from fieldguide.publishing.release.private.ledger import LEDGER
from fieldguide.publishing.release.private.score import check_commitment
from fieldguide.publishing.release.private.sealed import ABOUT as SEALED
from fieldguide.publishing.release.private.sealed import SealedPart, read_sealed, write_sealed
from fieldguide.publishing.release.private.withhold import sealed_of


@dataclass(frozen=True)
class Sealing:
    """What `seal` did.

    Attributes:
        made: the file with a new salt; None where there was one.
        sealed: the private part; None where nothing is withheld, or the benchmark is not finished.
        fits: whether the release that lies here is committed to it; None where there is none.
    """

    made: Path | None
    sealed: SealedPart | None
    fits: bool | None


def seal_here(params: Params, paths: Paths, dry: bool = False) -> Sealing:
    """Make the salt if there is none, and write the private folder; a salt that is there is never replaced.

    Raises:
        FieldguideError: the salt is to be in the environment, and is not.
        ProblemsError: the benchmark's files contradict each other.
    """
    split, made = params.release.private, None
    if not paths.salt.exists() and (split is None or split.salt_from is None):
        _refuse_to_forget(paths)
        made = paths.salt
        if not dry:
            write_private(paths.salt, secrets.token_hex(32) + "\n")
    benchmark = Benchmark(paths, params)
    if split is None or (dry and made) or not all(path.is_file() for path in benchmark.files()):
        return Sealing(made, None, None)
    sealed, _ = sealed_of(benchmark)
    if not dry:
        write_sealed(sealed, paths.private, split.salt_from)
    return Sealing(made, sealed, _fits(sealed, paths.release))


def _refuse_to_forget(paths: Paths) -> None:
    """Refuse a new salt beside what an old one was for: what is committed to could never be opened again.

    Raises:
        FieldguideError: something was sealed or scored here.
    """
    about = paths.private / SEALED
    if about.is_file() or (paths.private / LEDGER).is_file():
        raise FieldguideError(
            f"{paths.salt}: is gone, and what lies in {paths.private} was sealed with it; put it back (as `salt` it "
            f"stands in {about.name}, unless a variable gave it), or move {paths.private} away to begin anew"
        )


def _fits(sealed: SealedPart, release: Path) -> bool | None:
    if not (release / ABOUT).is_file():
        return None
    about = read_json(release / ABOUT)
    stated = about.get("private") if isinstance(about, dict) else None
    return isinstance(stated, dict) and stated.get("commitment") == sealed.commitment


def verify_withheld(release: Path, private: Path) -> SealedPart:
    """Hold a release against the private folder: it is committed to it, and tells nothing of it.

    Raises:
        FieldguideError: they do not belong together.
        ProblemsError: every file that tells what is private, with the first places of each.
    """
    sealed = read_sealed(private)
    if not release.is_dir():
        raise FieldguideError(f"{release}: no such folder")
    check_commitment(sealed, release)
    problems = list(leaks(release, sealed))
    if problems:
        raise ProblemsError(f"{release} tells what is private:", problems)
    return sealed
