"""What publishing would do, and its doing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.core.files import sha256_bytes
from fieldguide.core.progress import Track, silent
from fieldguide.publishing.release.layout import ABOUT, FORMAT, SUMS, listed_sums
from fieldguide.publishing.release.publish.destinations.destination import Destination, DestinationError
from fieldguide.publishing.release.publish.files import ReleaseFile

_TOLD = 5
"""Names of files that a sentence holds."""


@dataclass(frozen=True)
class PublishedRelease:
    """What lies whole at a place: name and version of release.json, sha256 by file."""

    name: str
    version: str
    sums: Mapping[str, str]


@dataclass(frozen=True)
class PublishPlan:
    """What would be sent where.

    Attributes:
        files: all of the release, in the order of sending.
        differing: names of those that the place does not hold.
        gone: of an older version there, to be removed.
        refused: because of what lies there.
        unasked: why the place could not be asked; empty where it was.
    """

    title: str
    note: str
    name: str
    version: str
    files: tuple[ReleaseFile, ...]
    differing: frozenset[str]
    gone: tuple[str, ...]
    refused: tuple[Problem, ...]
    unasked: str = ""

    @property
    def to_send(self) -> list[ReleaseFile]:
        """The files that differ, in the order of sending."""
        return [file for file in self.files if file.name in self.differing]


@dataclass(frozen=True)
class PlannedFile:
    """A line of what `--dry-run` shows. `state`: `there` or `to send`."""

    file: str
    bytes: int
    state: Literal["there", "to send"]


def plan_publishing(files: Sequence[ReleaseFile], place: Destination) -> PublishPlan:
    """Ask the place what it holds. Where it cannot be asked, all files count as lacking, and the plan says why."""
    name, version = _called(files)
    everything = frozenset(file.name for file in files)
    try:
        published = published_at(place)
        begun = _is_of_a_release(place.read(ABOUT))
        names = place.names()
        differing = frozenset(file.name for file in place.differing(files))
    except DestinationError as error:
        return PublishPlan(place.title, place.note, name, version, tuple(files), everything, (), (), str(error))
    old = published.sums if published else {}
    gone = tuple(n for n in names if n in old and n not in everything)
    # Where no release lies or was begun anew, a file that is only called like one of ours is somebody else's.
    ours = everything if published or begun else everything - differing
    refused = [*_strangers(place, set(names) - set(old) - ours)]
    if published:
        refused += _conflicts(place, published, files, name, version)
    return PublishPlan(place.title, place.note, name, version, tuple(files), differing, gone, tuple(refused))


def publish(plan: PublishPlan, place: Destination, track: Track = silent) -> None:
    """Send what differs, and ask the place whether all is there.

    Raises:
        FieldguideError: the place was lost on the way, or holds other bytes afterwards; says what had been sent.
    """
    files, sent = plan.to_send, []
    try:
        sending = place.send(files, plan.gone, f"{plan.name} {plan.version}") if files else iter(())
        for file in track(sending, "sending", unit="files", total=len(files)):
            sent.append(file)
        lacking = place.differing(plan.files)
    except DestinationError as error:
        raise FieldguideError(f"{error}\n{_so_far(sent, files)}") from None
    if lacking:
        raise FieldguideError(f"{place.title}: was sent {_names([f.name for f in lacking])} and does not hold them")


def _so_far(sent: Sequence[ReleaseFile], files: Sequence[ReleaseFile]) -> str:
    done, all_of_it = (sum(file.size for file in some) for some in (sent, files))
    return (
        f"  {len(sent)} of {len(files)} files had been sent ({size_text(done)} of {size_text(all_of_it)}); "
        "what lies there is incomplete until the same command sends the rest"
        if sent
        else "  nothing had been sent"
    )


def published_at(place: Destination) -> PublishedRelease | None:
    """The release that lies whole at a place; None where there is none, or one that is half-way there.

    SHA256SUMS is sent last, release.json before it: where both are of one release, all of it was sent.
    """
    sums, about = place.read(SUMS), place.read(ABOUT)
    if sums is None or about is None:
        return None
    listed = listed_sums(sums.decode(errors="replace"))
    if listed.get(ABOUT) != sha256_bytes(about):
        return None
    try:
        told = json.loads(about)
        return PublishedRelease(str(told["name"]), str(told["version"]), listed)
    except (ValueError, RecursionError, KeyError, TypeError):
        return PublishedRelease("", "", listed)


def _is_of_a_release(about: bytes | None) -> bool:
    """Whether release.json is one of ours: an update that was cut off leaves it beside sums that it does not fit."""
    try:
        told = json.loads(about or b"")
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("format") == FORMAT


def _called(files: Sequence[ReleaseFile]) -> tuple[str, str]:
    """Name and version of the release; empty where release.json does not tell, which verifying refuses."""
    path = next((file.path for file in files if file.name == ABOUT), None)
    try:
        told = json.loads(path.read_bytes()) if path else {}
        return str(told["name"]), str(told["version"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return "", ""


def _strangers(place: Destination, names: set[str]) -> Iterator[Problem]:
    if names:
        remedy = "name a place for this release alone, or take that away"
        what = f"holds {_names(sorted(names))}, which no release there lists; {remedy}"
        yield Problem(place.title, what)


def _conflicts(
    place: Destination, published: PublishedRelease, files: Sequence[ReleaseFile], name: str, version: str
) -> Iterator[Problem]:
    """Another benchmark, an old version with new bytes, and a version older than what is published."""
    sums = {file.name: file.sha256 for file in files if file.name != SUMS}
    changed = sorted(n for n in {*sums, *published.sums} if sums.get(n) != published.sums.get(n))
    if published.name != name:
        yield Problem(place.title, f"holds the release of {published.name!r}, not of {name!r}; name another place")
    elif _are_one(published.version, version) and changed:
        qrels = any(n.startswith("qrels/") for n in changed)
        what = "qrels were changed under an old version" if qrels else "files were changed under an old version"
        yield Problem(
            place.title,
            f"{what}: {version} is published there with other bytes of {_names(changed)}; raise release.version in "
            "params.yaml and build again, so that scores of one version stay comparable",
        )
    elif _is_older(version, published.version):
        what = f"holds version {published.version}, and this is {version}; name another place for an older version"
        yield Problem(place.title, what)


def _are_one(one: str, other: str) -> bool:
    """Whether two texts are one version: `1.0`, `v1.0.0` and `1.0.0+local` are."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(Version(one).public) == Version(Version(other).public)
    except InvalidVersion:
        return one.strip() == other.strip()


def _is_older(one: str, other: str) -> bool:
    """Whether one version comes before another; false where they cannot be compared."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) < Version(other)
    except InvalidVersion:
        return False


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more


def size_text(size: int) -> str:
    """Bytes for people: `12.3 MB`."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
