"""All leaks of a release, as problems that say where, what, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

from fieldguide.core.errors import Problem
from fieldguide.core.progress import Track, silent
from fieldguide.publishing.release.publish.files import ReleaseFile
from fieldguide.publishing.release.publish.leaks.contents import texts
from fieldguide.publishing.release.publish.leaks.kinds import ADDRESS, LeakKind, found, without
from fieldguide.publishing.release.publish.leaks.people import people_named
from fieldguide.publishing.release.publish.leaks.pictures import LOCATION

_STRIP = "take it out before `ingest`, or say with `--locations` that places may be known"


def find_leaks(
    folder: Path,
    files: Sequence[ReleaseFile],
    kinds: Sequence[LeakKind],
    agreed: Set[str] = frozenset(),
    locations: bool = False,
    track: Track = silent,
) -> Iterator[Problem]:
    """Everything that must not be told. What was found is never shown whole.

    Args:
        folder: of the release.
        files: of the release.
        kinds: what to look for, of leaks.machine.kinds_here.
        agreed: names and e-mail addresses whose owners agreed.
        locations: photographs may say where they were taken.
        track: shows how far it is.
    """
    used: set[str] = set()
    for file in track(files, "looking for what must not be told", unit="files"):
        yield from _of_file(folder, file, kinds, agreed, locations, used)
    for name, where in people_named(folder).items():
        used.add(name)
        if name not in agreed:
            what = (
                f"names {name!r}, who judged; people are named who agreed (`--agreed {name}`), and who has a pseudonym "
                "is called assessor-1 or a1"
            )
            yield Problem(str(folder / where), what)
    for text in sorted(agreed - used):
        yield Problem("--agreed", f"{text!r} is neither a judging person's name nor an e-mail address of this release")


def _of_file(
    folder: Path, file: ReleaseFile, kinds: Sequence[LeakKind], agreed: Set[str], locations: bool, used: set[str]
) -> Iterator[Problem]:
    """One problem for what a file says any number of times, at its first place."""
    name = str(folder / without(file.name, kinds))
    for kind, _, value in found(file.name, kinds):
        yield Problem(name, f"the file's name holds {_article(kind)} {kind.redacted(value)}; {kind.advice}")
    places: dict[tuple[str, str, str], str] = {}
    times: Counter[tuple[str, str, str]] = Counter()
    for where, key in _seen(file, kinds, agreed, locations, used):
        places.setdefault(key, where)
        times[key] += 1
    for key, where in places.items():
        more = f" (and {times[key] - 1:,} more times in this file)" if times[key] > 1 else ""
        place = f"{name}: {without(where, kinds)}" if where else name
        yield Problem(place, key[1] + more + (f"; {key[2]}" if key[2] else ""))


def _seen(
    file: ReleaseFile, kinds: Sequence[LeakKind], agreed: Set[str], locations: bool, used: set[str]
) -> Iterable[tuple[str, tuple[str, str, str]]]:
    """(where, (what tells it from others, what is wrong, what to do)) for everything in a file."""
    for piece in texts(file.path, file.name):
        if piece.wrong == LOCATION:
            if not locations:
                yield piece.place(0), (LOCATION, f"a photograph {LOCATION}", _STRIP)
        elif piece.wrong:
            yield piece.place(0), (piece.wrong, without(piece.wrong, kinds), "")
        for kind, start, value in found(piece.text, kinds):
            if kind.advice == ADDRESS and value in agreed:
                used.add(value)
            else:
                what = f"holds {_article(kind)} {kind.redacted(value)}"
                yield piece.place(start), (f"{kind.name} {value}", what, kind.advice)


def _article(kind: LeakKind) -> str:
    return f"{'an' if kind.name[0] in 'aeiou' else 'a'} {kind.name}"
