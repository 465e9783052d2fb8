"""Photographs of a release as files IMAGE_ID.ext: from the release itself, else from where each source is got.

An image is told by the sha256 of its bytes alone. Names in archives and tables only explain what is missing, and
nothing is written under a name that somebody else chose.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from PIL import Image

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import locked, open_input, read_json, sha256_bytes, sha256_file, write_json
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.sources.archives import DAMAGED_TAR
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.store.pixels import EXTENSIONS, FORMATS, MAX_BYTES
from fieldguide.publishing.release.layout import ABOUT, MANIFEST, PHOTOGRAPHS
from fieldguide.publishing.release.sources.downloads import download, forget
from fieldguide.publishing.release.sources.manifest import read_sources
from fieldguide.publishing.release.sources.places import read_place
from fieldguide.publishing.release.sources.wanted import FetchedImages, FetchedSource, MissingImage, WantedImages
from fieldguide.records.release import RELEASE_IMAGES

if TYPE_CHECKING:
    import httpx

RECORD = "fetched.json"
_STATE = ".fieldguide-fetching"
_ID, _SHA = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{64}")
_SOURCE, _ARCHIVE = re.compile(r"[a-z0-9][a-z0-9_-]*"), re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_SUFFIXES = {f".{extension}" for extension in EXTENSIONS.values()}


class ImageFetcher:
    """Gets the photographs of one release into one folder, and goes on where it stopped.

    Args:
        folder: of the release.
        to: where the photographs go; not inside the release, whose checksums would not fit any more.
        only: names of sources; empty: all.
        given: by source, a file or folder that somebody has already.
        limit: bytes of one download, and of what is read out of one source.

    Raises:
        FieldguideError: `folder` is no release.
        ProblemsError: sources that there are not, ids that are none.
    """

    def __init__(
        self, folder: Path, to: Path, *, only: Sequence[str] = (), given: Mapping[str, Path] | None = None, limit: int
    ) -> None:
        if not (folder / ABOUT).is_file():
            raise FieldguideError(f"{folder}: is no release, for it has no {ABOUT}")
        if to.resolve().is_relative_to(folder.resolve()):
            raise FieldguideError(f"{to}: lies in the release, whose checksums would not fit any more; name another")
        self.folder, self.to, self.given, self.limit = folder, to, dict(given or {}), limit
        images = RELEASE_IMAGES.read(folder / MANIFEST)
        _require_plain(images, folder / MANIFEST)
        rows = {str(name): part.itertuples(index=False) for name, part in images.groupby("source", sort=True)}
        described = read_sources(folder, images)
        self.sources = {name: described[name] for name in rows}
        self._require_known([*only, *self.given])
        self.wanted = {name: WantedImages(name, rows[name]) for name in rows if name in only or not only}

    def plan(self) -> FetchedImages:
        """What would come from where; nothing is downloaded or written."""
        self._strike_off_there()
        found = []
        for name, wanted in self.wanted.items():
            held = sum(row.archive is not None for row in wanted.rows.values())
            access, left = self.sources[name].access, len(wanted.rows) - held
            got = left if name in self.given or (access is not None and access.folder is None) else 0
            how = self._how(name, left > 0, held > 0)
            found.append(FetchedSource(name, wanted.images, wanted.there, held, got, left - got, how))
        return FetchedImages(tuple(found), ())

    def fetch(self, track: Track = silent, client: httpx.Client | None = None) -> FetchedImages:
        """Get what can be got. RECORD in `to` says what is missing, and why.

        Raises:
            FieldguideError: the folder cannot be written, or another process is at it there.
        """
        try:
            (self.to / _STATE).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FieldguideError(f"{self.to}: is no folder to write to ({error.strerror}); name another") from None
        with locked(self.to / _STATE / "lock", wait=False, busy=f"{self.to}: another process is fetching into it"):
            self._strike_off_there()
            self._take_released(track)
            missing = [found for name in self.wanted for found in self._take_source(name, track, client)]
            rows = tuple(self._row(name) for name in self.wanted)
            fetched = FetchedImages(rows, tuple(missing))
            write_json(self.to / RECORD, self._record(fetched))
        if not missing:
            forget(self.to / _STATE)
        return fetched

    def _record(self, fetched: FetchedImages) -> dict[str, list[Any]]:
        """What RECORD holds: of sources that were not asked for now, what it held before."""
        record = {name: [asdict(x) for x in part] for name, part in vars(fetched).items()}
        try:
            before = read_json(self.to / RECORD)
            for name, part in record.items():
                part += [row for row in before[name] if row["source"] in self.sources.keys() - self.wanted.keys()]
        except (FieldguideError, KeyError, TypeError):  # there is none, or somebody else wrote it
            pass
        return record

    def _row(self, name: str) -> FetchedSource:
        w = self.wanted[name]
        how = self._how(name, w.got > 0 or len(w.rows) > 0, w.released > 0)
        return FetchedSource(name, w.images, w.there, w.released, w.got, len(w.rows), how)

    def _how(self, name: str, outside: bool, released: bool) -> str:
        """In words, whether some are from outside the release, or at least from it."""
        if not outside:
            return "in the release" if released else "there already"
        return f"from {self.given[name]}" if name in self.given else self.sources[name].how

    def _require_known(self, names: Sequence[str]) -> None:
        problems = [
            Problem(str(self.folder / MANIFEST), f"has no source {name!r}; it has {', '.join(self.sources)}")
            for name in dict.fromkeys(names)
            if name not in self.sources
        ]
        if problems:
            raise ProblemsError("photographs cannot be fetched:", problems)

    def _strike_off_there(self) -> None:
        """What an earlier run wrote, where its bytes are right."""
        by_id = {
            str(row.image_id): (wanted, sha) for wanted in self.wanted.values() for sha, row in wanted.rows.items()
        }
        for path in sorted(self.to.iterdir()) if self.to.is_dir() else ():
            wanted, sha = by_id.get(path.stem, (None, ""))
            if wanted is None or sha not in wanted.rows or path.suffix not in _SUFFIXES or not path.is_file():
                continue
            if sha256_file(path) == sha:
                del wanted.rows[sha]
                wanted.there += 1

    def _take_released(self, track: Track) -> None:
        """Out of images/*.tar. A tar that is missing or damaged is no end: the source may have it."""
        rows = [(wanted, row) for wanted in self.wanted.values() for row in wanted.rows.values()]
        held = {str(row.sha256): wanted for wanted, row in rows if row.archive is not None}
        archives = {str(row.archive) for _, row in rows if row.archive is not None}
        for archive in track(sorted(archives), "photographs of the release", unit="archives"):
            for data in _members(self.folder / PHOTOGRAPHS / archive):
                wanted = held.get(sha256_bytes(data))
                if wanted is not None and self._keep(wanted, data):
                    wanted.released += 1

    def _take_source(self, name: str, track: Track, client: httpx.Client | None) -> list[MissingImage]:
        """Get one source and take from it what is missing. What goes wrong is told of each image."""
        wanted, unobtained = self.wanted[name], None
        place, scratch = self.to / _STATE / name, self.to / _STATE / f"{name}.taken"
        if wanted.rows:
            try:
                path = self.given.get(name) or self._obtain(name, place, client)
                unobtained = self._take_from(path, wanted, scratch, track)
                if unobtained is not None and path.is_relative_to(place):
                    forget(place)  # else a damaged download would be in the way for ever
            except FieldguideError as error:
                unobtained = str(error)
        forget(scratch)
        if not wanted.rows:
            forget(place)
        return list(wanted.missing(unobtained))

    def _take_from(self, path: Path, wanted: WantedImages, scratch: Path, track: Track) -> str | None:
        """Read a source; what went wrong, if anything did."""
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            candidates = read_place(path, wanted.name, self.sources[wanted.name], scratch, self.limit)
            self._take(wanted, track(candidates, wanted.name, unit="files"))
        except (FieldguideError, pa.ArrowException) as error:
            return str(error)
        return None

    def _obtain(self, name: str, place: Path, client: httpx.Client | None) -> Path:
        source = self.sources[name]
        if source.access is None or source.access.folder is not None:
            raise FieldguideError(f"{source.how}; if you have it: --from {name}=PATH")
        return download(source.access, place, self.limit, client)

    def _take(self, wanted: WantedImages, candidates: Iterable[SourceImage]) -> None:
        for candidate in candidates:
            digest = sha256_bytes(candidate.data)
            if candidate.refusal is None and digest in wanted.rows:
                wanted.got += self._keep(wanted, candidate.data)
            else:
                wanted.explain(candidate, digest)
            if not wanted.rows:
                return

    def _keep(self, wanted: WantedImages, data: bytes) -> bool:
        """Write an image that is wanted; false where its bytes are no image of a kind that a corpus has."""
        row = wanted.rows.get(sha256_bytes(data))
        if row is None:
            return False
        extension = _extension(data)
        if extension is None:
            wanted.known[str(row.source_key)] = ("refused", f"is none of {', '.join(FORMATS)}")
            return False
        target = self.to / f"{row.image_id}.{extension}"
        if os.path.lexists(target):  # had it the right bytes, it would not be wanted: somebody's work, or damaged
            os.replace(target, _aside(target))  # noqa: PTH105 - `target` may be a link
        temporary = self.to / _STATE / "image"
        temporary.write_bytes(data)
        temporary.replace(target)
        del wanted.rows[str(row.sha256)]
        return True


def _aside(path: Path) -> Path:
    """A name beside it under which nothing lies."""
    numbers = itertools.count(1)
    return next(to for n in numbers if not os.path.lexists(to := path.with_name(f"{path.name}.before-{n}")))


def _members(path: Path) -> Iterator[bytes]:
    """The files of a tar, as far as it can be read."""
    try:
        with open_input(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() and member.size <= MAX_BYTES else None
                yield stream.read() if stream else b""
    except (FieldguideError, *DAMAGED_TAR):
        return


def _extension(data: bytes) -> str | None:
    """By the bytes' own head: a name says nothing."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return EXTENSIONS.get("JPEG" if image.format == "MPO" else str(image.format))
    except Exception:  # whatever a parser raises on hostile bytes: they are no image
        return None


def _require_plain(images: pd.DataFrame, where: Path) -> None:
    """Ids and names of archives become names of files."""
    problems = [
        Problem(str(where), f"{column} is {value!r}; expected {words}")
        for column, pattern, words in (
            ("image_id", _ID, "16 hex digits"), ("sha256", _SHA, "64 hex digits"), ("archive", _ARCHIVE, "a file name"),
            ("source", _SOURCE, "small letters, digits, - and _"),
        )
        for value in images[column].unique()
        if value is not None and not pattern.fullmatch(str(value))
    ]  # fmt: skip
    if problems:
        raise ProblemsError("photographs cannot be fetched:", problems)
