"""Ingest: sources in, images.parquet, rejected.parquet, duplicates.parquet and shards out."""

from __future__ import annotations

import collections
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_directory
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.ingest.candidates import Candidates
from fieldguide.corpus.ingest.duplicates import representatives
from fieldguide.corpus.ingest.inspected import INSPECTED, inspection_key, remember
from fieldguide.corpus.ingest.inspecting import WANTED, PartInspection, inspect_part, spool_part
from fieldguide.corpus.ingest.labelling import labelled
from fieldguide.corpus.ingest.packing.arrow_files import read_arrow, write_arrow
from fieldguide.corpus.ingest.packing.pack import Members, link_shard, members, pack_shard, stored_table, write_plan
from fieldguide.corpus.ingest.packing.places import Places, places
from fieldguide.corpus.ingest.packing.stored import StoredShard, StoredShards
from fieldguide.corpus.ingest.photographs import keys_that_occur_twice, photographs
from fieldguide.corpus.ingest.rows import Corpus, duplicate_frame, image_batches, rejected_frame
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.corpus.ingest.summary import IngestSummary
from fieldguide.corpus.sources.parts import Part
from fieldguide.corpus.sources.reading import missing_sources, split_source, untracked_sources
from fieldguide.corpus.store.pixels import FORMATS
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED

Spread = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Iterable[Any]]
"""Calls a function with each tuple of arguments, here or elsewhere; results in order."""


def ingest(
    params: Ingest, paths: Paths, track: Track = silent, spread: Spread = itertools.starmap, threads: int | None = None
) -> IngestSummary:
    """Read every source, refuse with reasons, merge and link duplicates, pack the bytes.

    The outputs depend on the files' bytes, names and labels alone, not on the order they are listed in, nor on who
    reads which part of a source.

    Args:
        spread: has parts of the sources inspected, and shards packed.
        threads: that inspect one part; None: one a core.

    Raises:
        ProblemsError: sources that do not exist or that DVC does not watch, labels without a meaning, keys that
            occur twice.
        FieldguideError: a source that is not of its kind.

    Nothing is written where no photograph is kept: that is an error too, with the reasons counted.
    """
    missing = [*missing_sources(params.sources, paths.root), *untracked_sources(params.sources, paths.root)]
    if missing:
        raise ProblemsError("ingest cannot start:", missing)
    notes: list[str] = []
    stored = StoredShards(paths.cache.absolute() / "ingest" / "stored")
    with _inspection(params, paths, threads) as how:
        parts = _inspected(params, how, notes, track, spread)
        decoded = remember(how.verdicts, (part.table for part in parts))
        corpus = _gathered(params, parts)
        rejected, duplicates = rejected_frame(corpus), duplicate_frame(corpus)
        summary = _summary(corpus, rejected, duplicates, decoded, tuple(notes))
        packed = _members(corpus, params)
        with atomic_directory(paths.shards.absolute()) as target:
            sums = _pack(_Packing(corpus, packed, parts, how, stored, spread), target, track)
        stored.keep(paths.shards, stored_table(packed), sums)
        _forget_others(how, parts)
    REJECTED.write(paths.rejected, rejected)
    DUPLICATES.write(paths.duplicates, duplicates)
    IMAGES.write_batches(paths.images, image_batches(corpus, packed))
    return summary


class _Read(NamedTuple):
    """A part that was inspected: the number of its source, its key, and its table of INSPECTED."""

    source: int
    part: Part
    key: str
    table: pa.Table


@contextmanager
def _inspection(params: Ingest, paths: Paths, threads: int | None) -> Iterator[PartInspection]:
    """Where things go. The spool is emptied first: the caller holds the stage's lock, so a killed run left it."""
    folder = paths.cache.absolute() / "ingest"
    mine = folder / inspection_key(params.max_pixels)[:16]
    spool = paths.state.absolute() / "ingest-spool"
    shutil.rmtree(spool, ignore_errors=True)
    try:
        yield PartInspection(
            root=paths.root.absolute(), parts=mine / "parts", verdicts=mine / "verdicts.arrow",
            stored=folder / "stored" / "index.arrow", spool=spool / "parts", shards=params.shards,
            max_pixels=params.max_pixels, threads=threads,
        )  # fmt: skip
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _inspected(params: Ingest, how: PartInspection, notes: list[str], track: Track, spread: Spread) -> list[_Read]:
    sources = list(enumerate(params.sources))
    parts = [(n, part) for n, source in sources for part in split_source(source, how.root, notes.append)]
    keys = track(spread(inspect_part, ((part, how) for _, part in parts)), "ingesting", unit="parts", total=len(parts))
    return [_Read(n, part, key, _table(how, key)) for (n, part), key in zip(parts, keys, strict=True)]


def _table(how: PartInspection, key: str) -> pa.Table:
    table = read_arrow(how.parts / f"{key}.arrow", INSPECTED)
    if table is None:
        raise FieldguideError(f"{how.parts}: cannot be read; all that inspects must see this folder")
    return table


def _gathered(params: Ingest, parts: Sequence[_Read]) -> Corpus:
    """Raises: ProblemsError with every label without a meaning and every key that occurs twice."""
    candidates = Candidates([part.table for part in parts], [part.source for part in parts])
    labels = labelled(candidates, params.sources)
    problems = labels.problems + [
        Problem(f"source {source.name}", f"the key {key!r} occurs twice")
        for n, source in enumerate(params.sources)
        for key in keys_that_occur_twice(candidates, n)
    ]
    if problems:
        raise ProblemsError("the sources hold what params.yaml does not explain; nothing was written:", problems)
    found = photographs(candidates, labels)
    near = representatives(candidates.phash[found.row], params.near_duplicate_bits)
    corpus = Corpus(candidates, labels, found, near, params.sources)
    _require_photographs(corpus)
    return corpus


def _require_photographs(corpus: Corpus) -> None:
    """Raises: ProblemsError with the reasons, where no photograph is left."""
    if len(corpus.photographs):
        return
    if not len(corpus.candidates):
        raise FieldguideError("the sources hold no files at all: nothing was read and nothing was written")
    rejected = rejected_frame(corpus)
    first = rejected.groupby("reason").first()
    problems = [
        Problem(f"{count} x {reason}", f"such as {first['source_key'][reason]}: {first['detail'][reason]}")
        for reason, count in collections.Counter(rejected["reason"]).most_common()
    ]
    raise ProblemsError("no photograph was kept, and nothing was written:", problems)


def _members(corpus: Corpus, params: Ingest) -> Members:
    c, rows = corpus.candidates, corpus.photographs.row
    formats = np.array([FORMATS.index(text) if text in FORMATS else -1 for text in c.format.texts], np.int8)
    hashes = c.hashes.take(pa.array(rows))
    return members(corpus.photographs.numbers, c.size[rows], formats[c.format.codes[rows]], hashes, params.shards)


class _Packing(NamedTuple):
    """All that packing needs to know."""

    corpus: Corpus
    packed: Members
    parts: Sequence[_Read]
    how: PartInspection
    stored: StoredShards
    spread: Spread


def _pack(packing: _Packing, target: Path, track: Track) -> dict[int, StoredShard]:
    """Fill `target`: tars that are made of the same as in the last run are linked, the others written."""
    packed, stored = packing.packed, packing.stored
    rows = dict(packed.of_shard())
    made_of = {shard: packed.digest(at) for shard, at in rows.items()}
    changed = [n for n in rows if n not in stored.shards or stored.shards[n].members != made_of[n]]
    plan = packing.how.spool.parent / "plan.arrow"
    write_plan(plan, packed, _places(packing, np.isin(packed.shard, changed)))
    calls = [(shard, (rows[shard].start, rows[shard].stop), plan, target) for shard in changed]
    written = track(packing.spread(pack_shard, calls), "packing", unit="shards", total=len(calls))
    sums = dict(zip(changed, written, strict=True))
    sums |= {shard: link_shard(shard, stored, target) for shard in rows if shard not in sums}
    return {shard: StoredShard(sums[shard], made_of[shard]) for shard in rows}


def _places(packing: _Packing, is_packed: npt.NDArray[np.bool_]) -> Places:
    """Where the bytes of what is packed lie. What lies nowhere is read from its source again, and not decoded."""
    how, packed, photographs = packing.how, packing.packed, packing.corpus.photographs
    found = places(how.spool, packing.stored)
    missing = np.sort(packed.number[is_packed & (found.of(packed.number)[0] < 0)])
    if not len(missing):
        return found
    wanted = how.spool.parent / "wanted.arrow"
    write_arrow(wanted, WANTED, [pa.record_batch([pa.array(missing)], schema=WANTED)])
    ends = np.cumsum([len(part.table) for part in packing.parts])
    rows = photographs.row[np.searchsorted(photographs.numbers, missing)]
    again = [packing.parts[n] for n in np.unique(np.searchsorted(ends, rows, side="right"))]
    list(packing.spread(spool_part, ((part.part, part.key, how, wanted) for part in again)))
    return places(how.spool, packing.stored)


def _forget_others(how: PartInspection, parts: Sequence[_Read]) -> None:
    """Remove tables of parts that are no more; the verdicts of what was in them are kept."""
    keys = {part.key for part in parts}
    for path in how.parts.glob("*.arrow"):
        if path.stem not in keys:
            path.unlink()


def _summary(
    corpus: Corpus, rejected: pd.DataFrame, duplicates: pd.DataFrame, decoded: int, notes: tuple[str, ...]
) -> IngestSummary:
    of_kind = collections.Counter(zip(duplicates["kind"], duplicates["across_splits"].astype(bool), strict=True))
    reasons = dict(sorted(collections.Counter(rejected["reason"]).items()))
    merged = of_kind["exact", True] + of_kind["exact", False]
    read, kept = len(corpus.candidates), len(corpus.photographs)
    if read != kept + merged + sum(reasons.values()):
        raise RuntimeError(f"{read} read, {kept} kept, {merged} merged, {reasons}: files were lost")
    train = int(corpus.labels.is_train[corpus.photographs.row].sum())
    splits = {"train": train, "gallery": kept - train}
    return IngestSummary(
        read=read, kept=kept, merged=merged, rejected=reasons, decoded=decoded,
        kept_by_split={split: count for split, count in splits.items() if count},
        exact_across_splits=of_kind["exact", True], near=of_kind["near", True] + of_kind["near", False],
        near_across_splits=of_kind["near", True], notes=notes,
    )  # fmt: skip
