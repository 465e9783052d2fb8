"""Making a release folder: what the stages made, a manifest of the images, the photographs that may be given."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide import __version__
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import (
    atomic_directory,
    sha256_bytes,
    sha256_file,
    write_json,
    write_jsonl,
    write_tar,
)
from fieldguide.core.grouping import grouped
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.core.tables import SCHEMA_VERSION
from fieldguide.corpus.store.pixels import EXTENSIONS
from fieldguide.corpus.store.shards import image_bytes
from fieldguide.models.calls.store import CallStore
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark, params_text
from fieldguide.publishing.release.card import licence_text, readme_text
from fieldguide.publishing.release.forms.croissant import FILE as CROISSANT
from fieldguide.publishing.release.forms.datasheet import datasheet_text
from fieldguide.publishing.release.forms.kinds import write_kinds
from fieldguide.publishing.release.forms.written import croissant_text, query_lines, write_forms, write_text
from fieldguide.publishing.release.layout import (
    ABOUT,
    ANSWERS,
    CARD,
    DATASHEET,
    ERRATA,
    FORM,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    PHOTOGRAPHS,
    SUMS,
    run_file,
    schemas,
    sums_text,
)
from fieldguide.publishing.release.parts.parts import part_inputs, write_parts
from fieldguide.publishing.release.private.sealed import SealedPart
from fieldguide.publishing.release.private.withhold import refuse_leaks, stated, withholding
from fieldguide.publishing.release.sources import manifest
from fieldguide.records.release import RELEASE_IMAGES
from fieldguide.records.runs import TRACKS


@dataclass(frozen=True)
class WrittenRelease:
    """What was written: files, images in the manifest, and how many of them with their bytes."""

    files: int
    images: int
    photographs: int


def make_release(params: Params, paths: Paths, track: Track = silent) -> WrittenRelease:
    """Write paths.release whole or not at all. The same inputs give the same bytes.

    Photographs go in only where a licence is stated; all others are left to be rebuilt from their source.

    Raises:
        ProblemsError: files are missing (all are listed) or contradict each other.
        FieldguideError: a photograph's bytes are not those of its sha256; with `release.private`, there is no salt, or
            what is withheld would be told.
    """
    benchmark = Benchmark(paths, params)
    needed = [
        *benchmark.files(),
        *_copies(benchmark),
        paths.rejected,
        paths.drawings,
        paths.duplicates,
        *part_inputs(params, paths),
    ]
    benchmark.require("the release", dict.fromkeys(needed))
    if params.release.private is None:
        return _write(benchmark, paths.release, None, track)
    with withholding(benchmark) as (public, sealed):
        return _write(public, paths.release, sealed, track)


def _write(benchmark: Benchmark, target: Path, sealed: SealedPart | None, track: Track) -> WrittenRelease:
    """Write a benchmark as a release; `sealed` is what is withheld, and must not be in it."""
    params = benchmark.params
    with atomic_directory(target) as folder:
        for source, name in _copies(benchmark).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
        queries = list(query_lines(benchmark))
        write_jsonl(folder / "queries.jsonl", queries)
        _write_photographs(benchmark, folder, track)
        CallStore.at(benchmark.paths.root).pack(folder / ANSWERS)
        RELEASE_IMAGES.write(folder / MANIFEST, _manifest(benchmark))
        sources = manifest.described(params.ingest.sources, params.release.sources, benchmark.images)
        write_json(folder / manifest.FILE, manifest.document(sources))
        write_forms(benchmark, folder, queries)
        write_kinds(folder, benchmark.topics, benchmark.qrels)
        write_parts(params, benchmark.paths, folder)
        counts = _counts(benchmark)
        withheld = stated(params, sealed)
        write_json(folder / ABOUT, _about(params, counts) | withheld)
        write_text(folder / "params.yaml", params_text(params))
        write_text(folder / DATASHEET, datasheet_text(benchmark, counts, sources))
        write_text(folder / "LICENSE.txt", licence_text(benchmark, sources))
        names = [*_names(folder), CARD, CROISSANT, SUMS]
        card = readme_text(benchmark, counts, sources, names, withheld.get("private"))
        write_text(folder / CARD, card)
        sums = {name: sha256_file(folder / name) for name in _names(folder)}
        write_text(folder / CROISSANT, croissant_text(benchmark, sums))
        sums[CROISSANT] = sha256_file(folder / CROISSANT)
        write_text(folder / SUMS, sums_text(sums))
        if sealed is not None:
            refuse_leaks(folder, sealed)
    return WrittenRelease(len(sums) + 1, counts["images"], counts["photographs"])


def _names(folder: Path) -> list[str]:
    """Files that are there so far."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _copies(benchmark: Benchmark) -> dict[Path, str]:
    """Files that go into the release as they are, with their names there."""
    p = benchmark.paths
    whole = {
        p.topics: "topics.jsonl",
        p.phrases: "phrases.jsonl",
        p.entities: "entities.parquet",
        p.attributes: "attributes.parquet",
        p.groups: "groups.parquet",
        p.pools: "pools.parquet",
        p.judgments: "judgments/log.jsonl",
        p.checks / "checks.json": "checks.json",
    }
    whole |= {p.qrels / name: f"qrels/{name}" for name in ("qrels.parquet", "qrels.trec", "grades.json")}
    # How grades were decided; how far people agree, and by which guidelines they judged, where people did.
    decided = [p.qrels / name for name in ("decisions.parquet", "agreement.json")]
    whole |= {path: f"qrels/{path.name}" for path in decided if path.exists()}
    whole |= {path: f"judgments/guidelines/{path.name}" for path in sorted(p.used_guidelines.glob("*.md"))}
    whole |= {path: path.name for path in (p.answers, p.answering)}
    # So that others can judge the same way.
    whole |= {path: f"annotation/{path.name}" for path in sorted(p.annotation.glob("*")) if path.name in FORM}
    whole |= {path: f"judgments/{path.name}" for path in (p.asked,) if path.exists()}
    whole |= {path: ERRATA for path in (p.annotation / "errata.md",) if path.exists()}
    whole |= {
        p.evaluation / name: name for name in ("scores.parquet", "leaderboard.json", "comparisons.json", "fitness.json")
    }
    return whole | {p.run(t, s): run_file(t, s) for t in TRACKS for s in benchmark.params.retrieve.systems}


def _manifest(benchmark: Benchmark) -> pd.DataFrame:
    images = benchmark.images.reset_index(drop=True)
    return images.assign(archive=images["shard"].where(images["licence"].map(bool), None))[
        [column.name for column in RELEASE_IMAGES.columns]
    ]


def _write_photographs(benchmark: Benchmark, folder: Path, track: Track) -> None:
    """The licensed images of each shard of the corpus as images/SHARD, members `image_id.ext` sorted."""
    by_shard = grouped((str(row.shard), row) for _, row in sorted(benchmark.image_rows.items()) if row.licence)
    for shard in track(sorted(by_shard), "photographs", unit="archives", total=len(by_shard)):
        write_tar(folder / PHOTOGRAPHS / shard, (_member(benchmark.paths, row) for row in by_shard[shard]))


def _member(paths: Paths, row: Any) -> tuple[str, bytes]:
    data = image_bytes(paths, row)
    if sha256_bytes(data) != row.sha256:
        raise FieldguideError(f"{paths.shards / row.shard}: the bytes of {row.image_id} are damaged; `dvc checkout`")
    return f"{row.image_id}.{EXTENSIONS[row.format]}", data


def _counts(benchmark: Benchmark) -> dict[str, int]:
    """Counts that `verify_release` makes again."""
    return {
        "topics": len(benchmark.topics),
        "subtopics": len(benchmark.subtopics),
        "entities": len(benchmark.entities),
        "images": len(benchmark.images),
        "photographs": int(benchmark.images["licence"].map(bool).sum()),
        "pooled": len(benchmark.pools),
        "qrels": len(benchmark.qrels),
        "relevant": int((benchmark.qrels["grade"] > 0).sum()),
        "runs": len(benchmark.runs),
    }


def _about(params: Params, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "schema_version": SCHEMA_VERSION,
        "name": params.release.name,
        "version": params.release.version,
        "description": params.release.description,
        "licence": params.release.licence,
        "library": _library(),
        "systems": list(params.retrieve.systems),
        "counts": counts,
        "tables": schemas(),
    }


def _library() -> dict[str, str]:
    """The library that made this: its version, and a sha256 over its files, which tells a changed line of code."""
    package = resources.files("fieldguide")
    with resources.as_file(package) as folder:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".pyc", ".pyo"})
        sums = "".join(f"{sha256_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    return {"version": __version__, "sha256": sha256_bytes(sums.encode())}
