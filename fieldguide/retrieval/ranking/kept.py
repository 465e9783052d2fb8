"""A system's run, kept by all that determines it: one more or one changed system ranks that system alone."""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fieldguide
from fieldguide.core.files import atomic_directory, atomic_path, content_key, read_json, sha256_file, write_json
from fieldguide.core.paths import Paths
from fieldguide.records.runs import IndexRecall, write_run
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import module_of
from fieldguide.retrieval.systems.rounds import RoundPaths
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.searching import Searching, exact, indexed, write_recalls
from fieldguide.retrieval.systems.sections.ranking import RankingSection
from fieldguide.retrieval.systems.sections.rounds import GenirSystem
from fieldguide.retrieval.systems.sections.systems import PluginSystem

_PACKAGE = Path(fieldguide.__file__).parent
# What every kind of system runs through; the kinds themselves are counted one by one.
_ROOMS = ("core", "records", "models/networks", "retrieval/index", "retrieval/systems/sections")
_MODULES = ("retrieval/*.py", "retrieval/systems/*.py", "retrieval/ranking/*.py")
RANKED_VERSION = 1
_RUN, _SEARCHED = "run.trec", "search.json"


@dataclass(frozen=True)
class RankedSystem:
    """What became of one system: its counts, the recall of the indexes it searched, and whether it was kept."""

    name: str
    subtopics: int
    images: int
    recalls: tuple[IndexRecall, ...]
    kept: bool


@dataclass(frozen=True)
class SearchTrack:
    """What systems rank: the whole gallery (`fullrank`), or each subtopic's own pool (`rerank`).

    Attributes:
        name: of the folder under data/runs.
        pools: image_ids by subtopic_id; None for the whole gallery.
        retrieve: depth and index; of a pool everything is kept, and compared exactly.
    """

    name: str
    retrieve: Retrieve | None = None
    pools: Mapping[str, Sequence[str]] | None = None

    def key(self) -> dict[str, Any]:
        """What of it determines a run."""
        if self.retrieve is None:
            return {"pools": content_key(pools={k: sorted(v) for k, v in (self.pools or {}).items()})}
        return {"depth": self.retrieve.depth, "index": self.retrieve.model_dump(mode="json")["index"]}


def rank_system(
    name: str, section: RankingSection, collection: SearchCollection, track: SearchTrack, to: Path | None = None
) -> RankedSystem:
    """Write a system's run, and on the whole gallery what its index missed; take both from the cache if they are there.

    Args:
        to: folder to write to; that of the track under data/runs where it is None.

    Raises:
        FieldguideError: as `make_system` and the system itself.
    """
    paths = collection.paths
    key = content_key(
        name=name, section=section.model_dump(mode="json"), track=track.key(), code=code_key(section),
        inputs=inputs_key(section, paths),
    )  # fmt: skip
    folder = paths.cache / "runs" / key
    kept = folder.exists() and not _asks_a_service(section)
    if not kept:
        with atomic_directory(folder) as made:
            _rank(name, section, collection, track, made)
    _copy(folder / _RUN, to / f"{name}.trec" if to else paths.run(track.name, name))
    if track.retrieve is not None and to is None:
        _copy(folder / _SEARCHED, paths.searched(name))
    told = read_json(folder / _SEARCHED)
    recalls = tuple(IndexRecall(**index) for index in told["indexes"])
    return RankedSystem(name, *_counts(folder / _RUN), recalls, kept)


def write_ranked(
    paths: Paths, ranked: Sequence[str], systems: Mapping[str, RankingSection], probed: Sequence[str]
) -> None:
    """Write which systems are ranked, and how each is set: later stages depend on this file, not on params.yaml.

    What probes some systems depends on a file with those alone: one system more is none of its business.
    """
    sections = {name: section.model_dump(mode="json") for name, section in systems.items()}
    write_json(paths.ranked, {"ranked": list(ranked), "systems": sections, "schema_version": RANKED_VERSION})
    asked = {name: sections[name] for name in probed}
    write_json(paths.probed, {"probed": list(probed), "systems": asked, "schema_version": RANKED_VERSION})


def _asks_a_service(section: RankingSection) -> bool:
    """What a service did not answer is asked again by the next run; what it did answer is kept with the calls."""
    asking = (
        inner for _, inner in section.walk("") if not isinstance(inner, GenirSystem)
    )  # its rounds are made before
    return any(hasattr(inner, "chat") for inner in asking)


def _rank(name: str, section: RankingSection, collection: SearchCollection, track: SearchTrack, folder: Path) -> None:
    recalls: list[IndexRecall] = []
    search: Searching = exact
    retrieve = track.retrieve
    if retrieve is not None and retrieve.index is not None:
        search = indexed(retrieve.index, retrieve.depth, collection.paths.cache / "indexes", tell=recalls.append)
    depth = retrieve.depth if retrieve is not None else None
    system: Any = section
    write_run(folder / _RUN, run_system(name, system, collection, track.pools, depth, search))
    write_recalls(folder / _SEARCHED, recalls)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)


def _counts(run: Path) -> tuple[int, int]:
    """Subtopics and lines of a run that we wrote."""
    subtopics, lines, last = 0, 0, ""
    with run.open(encoding="utf-8") as stream:
        for line in stream:
            subtopic = line.partition(" ")[0]
            subtopics += subtopic != last
            lines, last = lines + 1, subtopic
    return subtopics, lines


def code_key(section: RankingSection) -> str:
    """The sha256 of the code that ranks by a section: its kind's module, those of the kinds inside it, the shared."""
    kinds = {str(getattr(inner, "kind")) for _, inner in section.walk("")}  # noqa: B009 - every kind has its own type
    return content_key(shared=_shared(), kinds={kind: _module_key(module_of(kind)) for kind in sorted(kinds)})


@cache
def _shared() -> str:
    files = [file for room in _ROOMS for file in (_PACKAGE / room).rglob("*.py")]
    files += [file for pattern in _MODULES for file in _PACKAGE.glob(pattern)]
    return _sources(files, _PACKAGE)


@cache
def _module_key(module: str) -> str:
    """A module of ours by itself; of another package, all of its code."""
    top = module.partition(".")[0]
    path = Path(str(importlib.import_module(module).__file__))
    if top == fieldguide.__name__:
        return _sources([path], _PACKAGE)
    package = Path(str(importlib.import_module(top).__file__))
    folder = package.parent
    return _sources(folder.rglob("*.py") if package.name == "__init__.py" else [package], folder)


def _sources(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()}\0{sha256_file(file)}\0".encode())
    return digest.hexdigest()


def inputs_key(section: RankingSection, paths: Paths) -> str:
    """The sha256 of what a system may read.

    Of embeddings it takes meta.json, whose `key` is that of all that determines the vectors: hashing millions of
    vectors would take longer than ranking by them.
    """
    return content_key(files={str(path.relative_to(paths.root)): _file_key(path) for path in _inputs(section, paths)})


def _inputs(section: RankingSection, paths: Paths) -> Iterator[Path]:
    yield from (paths.images, paths.entities, paths.topics, paths.phrases, paths.expansions, paths.components)
    yield from (paths.captions, paths.recomposed, paths.drawings)
    for _, inner in section.walk(""):
        encoders = set(inner.encoders.values())
        if isinstance(inner, PluginSystem):  # nobody but its package knows which vectors it opens
            encoders = {folder.name for folder in paths.embeddings("x").parent.glob("*")}
        for encoder in sorted(encoders):
            yield from (paths.embeddings(encoder) / "meta.json", paths.queries(encoder) / "meta.json")
        if inner.twins:
            yield paths.twins
        network, file = getattr(inner, "network", None), getattr(inner, "file", None)
        if network is not None:
            yield from sorted((paths.cletir / network).glob("*"))
        if file is not None:
            yield paths.external / file
        if isinstance(inner, GenirSystem):
            made = RoundPaths(paths.root, inner.refined, inner.rounds)
            yield from (made.phrases, made.drawings, made.queries(inner.visret.encoder) / "meta.json")


def _file_key(path: Path) -> str | None:
    return sha256_file(path) if path.is_file() else None
