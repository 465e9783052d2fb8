"""Ingest: sources in, images.parquet, rejected.parquet, duplicates.parquet and shards out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_directory, sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.core.streaming import map_ahead
from fieldguide.corpus.ingest.labels import Labels
from fieldguide.corpus.ingest.photographs import Occurrence, Photograph, Row, duplicate_rows, image_rows
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.corpus.ingest.verdicts import VerdictCache
from fieldguide.corpus.sources.candidates import Say, SourceImage
from fieldguide.corpus.sources.reading import missing_sources, read_source, untracked_sources
from fieldguide.corpus.store.pixels import EXTENSIONS, PixelVerdict, inspect_image, misnamed
from fieldguide.corpus.store.shards import Spool
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED


@dataclass(frozen=True)
class IngestSummary:
    """Counts of one ingest, and how its sources were understood. `read` = `kept` + `merged` + sum of `rejected`."""

    read: int
    kept: int
    merged: int
    rejected: dict[str, int]
    decoded: int
    kept_by_split: dict[str, int]
    exact_across_splits: int
    near: int
    near_across_splits: int
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people."""
        splits = ", ".join(f"{count} {split}" for split, count in self.kept_by_split.items())
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items()) or "none"
        return [
            *self.notes,
            f"read {self.read} files, decoded {self.decoded} that were not known: {self.kept} images ({splits})",
            f"merged {self.merged} exact duplicates ({self.exact_across_splits} across splits, kept in train only)",
            f"linked {self.near} near duplicates ({self.near_across_splits} across splits)",
            f"refused {sum(self.rejected.values())} files: {reasons}",
        ]


def ingest(params: Ingest, paths: Paths, track: Track = silent) -> IngestSummary:
    """Read every source, refuse with reasons, merge and link duplicates, pack the bytes.

    The outputs depend on the files' bytes, names and labels alone, not on the order they are listed in.

    Raises:
        ProblemsError: sources that do not exist or that DVC does not watch, labels without a meaning, keys that
            occur twice.
        FieldguideError: a source that is not of its kind.

    Nothing is written where no photograph is kept: that is an error too, with the reasons counted.
    """
    missing = [*missing_sources(params.sources, paths.root), *untracked_sources(params.sources, paths.root)]
    if missing:
        raise ProblemsError("ingest cannot start:", missing)
    reading = _Reading(params)
    folder = paths.cache / "ingest"
    with VerdictCache(folder, params.max_pixels) as cache, Spool(paths.state / "ingest-spool", params.shards) as spool:
        known = len(cache)
        for item in track(_examined(params, paths, cache, reading.notes.append), "ingesting", unit="files"):
            reading.take(item, cache, spool)
        reading.check()
        reading.refuse_contradictory()
        reading.require_photographs()
        kept = sorted(reading.photographs.values(), key=lambda p: p.image_id)
        with atomic_directory(paths.shards) as target:
            placed = spool.pack(target, [p.spooled for p in kept], track)
        decoded = len(cache) - known
    rejected = sorted(reading.rejected, key=lambda row: (row["source"], row["source_key"]))
    images = image_rows(kept, params, placed)
    duplicates = duplicate_rows(kept, images, params.sources)
    REJECTED.write(paths.rejected, REJECTED.frame(rejected))
    DUPLICATES.write(paths.duplicates, DUPLICATES.frame(duplicates))
    IMAGES.write(paths.images, IMAGES.frame(images))
    return _summary(reading, images, duplicates, decoded)


class _Examined(NamedTuple):
    source_index: int
    candidate: SourceImage
    sha256: str
    verdict: PixelVerdict
    is_new: bool


def _examined(params: Ingest, paths: Paths, cache: VerdictCache, say: Say) -> Iterator[_Examined]:
    """Every candidate with the verdict on its bytes, inspected ahead by threads, in the order of reading."""

    def examine(item: tuple[int, SourceImage]) -> _Examined:
        index, candidate = item
        sha256 = sha256_bytes(candidate.data)
        if candidate.refusal is not None:
            return _Examined(index, candidate, sha256, candidate.refusal, False)
        known = cache.get(sha256)
        verdict = known or inspect_image(candidate.data, params.max_pixels)
        return _Examined(index, candidate, sha256, verdict, known is None)

    candidates = (
        (index, candidate)
        for index, source in enumerate(params.sources)
        for candidate in read_source(source, paths.root, say)
    )
    return map_ahead(examine, candidates)


class _Reading:
    """What has been read so far. `photographs` by sha256; `rejected` as rows of records.REJECTED."""

    def __init__(self, params: Ingest) -> None:
        self.read = 0
        self.notes: list[str] = []
        self.photographs: dict[str, Photograph] = {}
        self.rejected: list[dict[str, str]] = []
        self._sources = params.sources
        self._labels = [Labels(source) for source in params.sources]
        self._keys: set[tuple[int, str]] = set()
        self._twice: list[Problem] = []

    def take(self, item: _Examined, cache: VerdictCache, spool: Spool) -> None:
        """File one candidate as an occurrence of a photograph, or as rejected."""
        index, candidate, verdict = item.source_index, item.candidate, item.verdict
        source = self._sources[index]
        self.read += 1
        if (index, candidate.key) in self._keys:
            self._twice.append(Problem(f"source {source.name}", f"the key {candidate.key!r} occurs twice"))
        self._keys.add((index, candidate.key))
        if item.is_new:
            cache.add(item.sha256, verdict)
        wrong_name = None if verdict.reason else misnamed(candidate.name, verdict.format)
        if verdict.reason or wrong_name:
            self._refuse(source.name, candidate.key, verdict.reason or "misnamed", wrong_name or verdict.detail)
            return
        entity, split = self._labels[index].resolve(candidate)
        if item.sha256 not in self.photographs:
            spooled = spool.add(item.sha256[:16], EXTENSIONS[verdict.format], candidate.data)
            self.photographs[item.sha256] = Photograph(item.sha256, verdict, spooled)
        licence, attribution = candidate.licence or source.licence, candidate.attribution or source.attribution
        occurrence = Occurrence(split, index, candidate.key, entity, licence, attribution)
        self.photographs[item.sha256].occurrences.append(occurrence)

    def check(self) -> None:
        """Raises: ProblemsError with every label without a meaning and every key that occurs twice."""
        problems = [problem for labels in self._labels for problem in labels.problems()] + self._twice
        if problems:
            raise ProblemsError("the sources hold what params.yaml does not explain; nothing was written:", problems)
        if len({p.image_id for p in self.photographs.values()}) != len(self.photographs):
            raise FieldguideError("two different images share the first 16 hex digits of their sha256; remove one")

    def refuse_contradictory(self) -> None:
        """Bytes labelled with two entities show at most one rightly: every file that holds them is refused."""
        for photograph in [p for p in self.photographs.values() if len(p.entities) > 1]:
            for occurrence in photograph.occurrences:
                detail = f"the same bytes are labelled {' and '.join(photograph.entities)}"
                self._refuse(self._sources[occurrence.source_index].name, occurrence.key, "contradictory", detail)
            del self.photographs[photograph.sha256]

    def require_photographs(self) -> None:
        """Raises: ProblemsError with the reasons, where no photograph is left."""
        if self.photographs:
            return
        if not self.rejected:
            raise FieldguideError("the sources hold no files at all: nothing was read and nothing was written")
        counts = Counter(row["reason"] for row in self.rejected)
        first = {row["reason"]: row for row in reversed(self.rejected)}
        problems = [
            Problem(f"{count} x {reason}", f"such as {first[reason]['source_key']}: {first[reason]['detail']}")
            for reason, count in counts.most_common()
        ]
        raise ProblemsError("no photograph was kept, and nothing was written:", problems)

    def _refuse(self, source: str, key: str, reason: str, detail: str) -> None:
        self.rejected.append({"source": source, "source_key": key, "reason": reason, "detail": detail})


def _summary(reading: _Reading, images: list[Row], duplicates: list[Row], decoded: int) -> IngestSummary:
    of_kind = Counter((row["kind"], row["across_splits"]) for row in duplicates)
    rejected = dict(sorted(Counter(row["reason"] for row in reading.rejected).items()))
    merged = of_kind["exact", True] + of_kind["exact", False]
    if reading.read != len(images) + merged + sum(rejected.values()):
        raise RuntimeError(f"{reading.read} read, {len(images)} kept, {merged} merged, {rejected}: files were lost")
    return IngestSummary(
        read=reading.read,
        kept=len(images),
        merged=merged,
        rejected=rejected,
        decoded=decoded,
        kept_by_split=dict(sorted(Counter(row["split"] for row in images).items(), reverse=True)),
        exact_across_splits=of_kind["exact", True],
        near=of_kind["near", True] + of_kind["near", False],
        near_across_splits=of_kind["near", True],
        notes=tuple(reading.notes),
    )
