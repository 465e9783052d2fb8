"""What the steps up to the drawings would refuse, told before any of them runs: no pixel is decoded, no model loaded.

Each check is the step's own: what is told here is what would stop it when its turn comes, minutes or hours later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from fieldguide.answering.answerers.registry import ANSWERERS
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.core.yaml_files import read_yaml
from fieldguide.corpus.ingest.labels import Labels
from fieldguide.corpus.sources.reading import list_source, missing_sources, untracked_sources
from fieldguide.corpus.sources.section import OF_TARS, ImageSource
from fieldguide.models.captioners.registry import CAPTIONERS
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.params.document import Params
from fieldguide.params.usable import unusable
from fieldguide.queries.knowledge.reading import survey
from fieldguide.queries.knowledge.records import Knowledge
from fieldguide.queries.mining.groups import related_pairs
from fieldguide.queries.mining.wordnet import read_glosses
from fieldguide.queries.topics.sheet import sheet


def unready(params: Params, root: Path) -> list[Problem]:
    """Everything that keeps the benchmark in `root` from being built as far as its drawings.

    Only what the stages of its dvc.yaml need: a benchmark that begins with pools needs no photographs.
    """
    return [*unusable(params), *_Inspection(params, Paths(root)).problems()]


class _Inspection:
    def __init__(self, params: Params, paths: Paths) -> None:
        self.params, self.paths = params, paths
        pipeline = paths.root / "dvc.yaml"
        self.stages = set(read_yaml(pipeline).get("stages", {})) if pipeline.exists() else set()
        self.shown: Counter[str] = Counter()  # photographs by entity, as the sources label them
        self.searched: Counter[str] = Counter()  # those of them that are of the gallery
        self.knowledge: Knowledge | None = None  # where its entities can be read
        self.sayable = False

    def problems(self) -> Iterator[Problem]:
        """All of them, in the order of the stages."""
        if "mine" in self.stages:
            yield from self._read_knowledge()
        if "ingest" in self.stages:
            yield from self._sources()
        yield from self._models()
        if "adjudicate" in self.stages:
            yield from self._asked_of_people()

    def _read_knowledge(self) -> Iterator[Problem]:
        """Entities that can be read are held against photographs and models, even if their attributes are wrong."""
        yield from _told(self._survey)
        wordnet = self.params.mine.wordnet
        if wordnet is not None:
            yield from _told(lambda: read_glosses(self.paths.root / wordnet))

    def _survey(self) -> None:
        found = survey(self.paths.knowledge)
        self.knowledge, self.sayable = found.knowledge if found.entities_whole else None, not found.problems
        if found.problems:
            raise ProblemsError("", found.problems)

    def _sources(self) -> Iterator[Problem]:
        sources, root = self.params.ingest.sources, self.paths.root
        missing = list(missing_sources(sources, root))
        yield from missing
        if not self.paths.library.exists():  # else `fieldguide build` writes into dvc.yaml what params.yaml reads
            yield from untracked_sources(sources, root)
        absent = {problem.where for problem in missing}
        for index, source in enumerate(sources):
            if f"params.yaml: ingest.sources.{index}.path" not in absent:
                yield from _told(lambda source=source: self._labels(source))  # type: ignore[misc]
        if self.knowledge is not None:
            yield from _undescribed(self.shown, self.knowledge)
            yield from _unrelated(self.knowledge)
            if "check" in self.stages and self.params.adjudicate.judge == "dataset-label":
                yield from _too_few(self.searched, self.knowledge, self.params.check.min_relevant)
            if "compose" in self.stages and self.params.mine.wordnet is None and self.sayable:
                yield from _speechless(self.knowledge)

    def _labels(self, source: ImageSource) -> None:
        """Raises: ProblemsError with labels without a meaning, and photographs whose licence nobody states."""
        labels, bare = Labels(source), 0
        for candidate in list_source(source, self.paths.root):
            entity, split = labels.resolve(candidate)
            self.shown.update([entity] if entity else [])
            self.searched.update([entity] if entity and split == "gallery" else [])
            bare += not (candidate.licence or source.licence)
        problems = list(labels.problems())
        excused = self.params.check.unlicensed_sources
        if "check" in self.stages and source.name not in excused and (bare or _unlicensed_tar(source)):
            some = f"{bare} photographs of it" if bare else "its photographs"
            what = f"nobody states under which licence {some} may be released"
            remedy = "state it (`licence`, or a column of a manifest)"
            other = f"or add {source.name} to check.unlicensed_sources: then they are used, and left out of the release"
            problems.append(Problem(f"params.yaml: ingest.sources: {source.name}", f"{what}; {remedy}, {other}"))
        if problems:
            raise ProblemsError("", problems)

    def _models(self) -> Iterator[Problem]:
        params, root = self.params, self.paths.root
        known = self.knowledge.entities if self.knowledge is not None else {}
        asked = [entity for entity in known if self.shown[entity]] or list(known)
        if "embed" in self.stages:
            for name in params.embed.encoders:
                yield from ENCODERS.problems(name, params.encoders[name], root, asked)
        drawer, section = params.visualize.generator, params.generator
        if "visualize" in self.stages and drawer is not None and section is not None:
            yield from GENERATORS.problems(drawer, section, root, asked)
        if "caption" in self.stages and params.caption.captioner is not None:
            name = params.caption.captioner
            yield from CAPTIONERS.problems(name, params.captioners[name], root)
        if "answer" in self.stages:
            for name in params.answer.answerers:
                yield from ANSWERERS.problems(name, params.answerers[name], root)

    def _asked_of_people(self) -> Iterator[Problem]:
        """What stage `adjudicate` depends on: DVC starts it only where they are there."""
        gold = self.params.annotate.gold
        if gold is not None and not (self.paths.root / gold).exists():
            yield Problem("params.yaml: annotate.gold", f"{gold}: no such file; null where nobody gives gold")


def _told(work: Callable[[], object]) -> Iterator[Problem]:
    """What a check of a step complains of."""
    try:
        work()
    except ProblemsError as error:
        yield from error.problems
    except FieldguideError as error:
        where, _, what = str(error).partition(": ")
        yield Problem(where, what)


def _undescribed(shown: Counter[str], knowledge: Knowledge) -> Iterator[Problem]:
    for entity in sorted(shown.keys() - knowledge.entities.keys()):
        remedy = "describe it there, map the label in `entities` of its source, or set `entities: null` for distractors"
        yield Problem(entity, f"{shown[entity]} photographs show it, and {knowledge.file} lacks it; {remedy}")


def _too_few(searched: Counter[str], knowledge: Knowledge, least: int) -> Iterator[Problem]:
    """Entities of which a question would have fewer relevant photographs than `check` asks for; none is no question."""
    for entity in sorted(searched.keys() & knowledge.entities.keys()):
        if searched[entity] < least:
            what = f"{searched[entity]} photographs of the gallery show it, fewer than check.min_relevant, {least}"
            yield Problem(
                entity, f"{what}; add some, lower that number, or give the source more gallery (`train_share`)"
            )


def _unrelated(knowledge: Knowledge) -> Iterator[Problem]:
    """Where no two entities are kin, no question can be put: it compares entities that are easily confused."""
    paths = {entity.entity_id: entity.taxonomy for entity in knowledge.entities.values()}
    if len(paths) > 1 and next(related_pairs(paths), None) is None:
        what = "no two entities share the first two names of their `taxonomy`, so that none would be compared"
        yield Problem(knowledge.file, f"{what}; write paths such as [bird, gull, Herring gull]")


def _speechless(knowledge: Knowledge) -> Iterator[Problem]:
    """Nothing that could be asked: `compose` would have no topic at all."""
    described = any(entity.description for entity in knowledge.entities.values())
    if not described and not sheet(knowledge, ["which", "both"], 0)[0]:
        what = "no question can be put: no two kin have values that could be compared, and no entity has a description"
        yield Problem("attributes.csv", f"{what}; `fieldguide knowledge check` says why")


def _unlicensed_tar(source: ImageSource) -> bool:
    return source.kind in OF_TARS and not source.licence and not source.columns.licence
