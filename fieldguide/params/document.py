"""The whole of params.yaml: all sections, and names that point from one into another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from fieldguide.annotation.judgments.section import Adjudicate
from fieldguide.annotation.planning.section import Annotate
from fieldguide.answering.answerers.section import AnyAnswerer, FeaturesAnswerer
from fieldguide.answering.section import Answer
from fieldguide.checks.expectations.section import Check
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.section import Name, Section
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.evaluation.fidelity.section import Fidelity
from fieldguide.evaluation.fitness.section import Fitness
from fieldguide.evaluation.probing.section import Probe, unprobeable
from fieldguide.evaluation.section import Evaluate
from fieldguide.models.calls.section import Spending
from fieldguide.models.captioners.section import AnyCaptioner
from fieldguide.models.encoders.section import AnyEncoder
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.publishing.release.section import Release
from fieldguide.publishing.report.section import Report
from fieldguide.queries.mining.section import Mine
from fieldguide.queries.rewriting.section import Decompose, Rewrite
from fieldguide.queries.topics.section import Compose
from fieldguide.queries.visuals.captioning.section import Caption, Recompose
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.retrieval.cletir.section import TrainCletir, untrained
from fieldguide.retrieval.encoding.section import Embed
from fieldguide.retrieval.pooling.section import Pool
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.refining.section import Refine, unrefined
from fieldguide.retrieval.systems.families import Family
from fieldguide.retrieval.systems.sections.ranking import RankingSection
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.retrieval.training.section import TrainGenerator, TrainTextTower
from fieldguide.runtime.section import TaskRunner


class Params(Section):
    """The whole of params.yaml."""

    ingest: Ingest
    embed: Embed
    encoders: dict[Name, AnyEncoder]
    mine: Mine
    calls: Spending = Spending()
    compose: Compose = Compose()
    rewrite: Rewrite = Rewrite()
    decompose: Decompose = Decompose()
    visualize: Visualize = Visualize()
    generators: dict[Name, AnyGenerator] = Field(default={})
    caption: Caption = Caption()
    captioners: dict[Name, AnyCaptioner] = Field(default={})
    recompose: Recompose = Recompose()
    refine: Refine = Refine()
    retrieve: Retrieve
    families: list[Family] = Field(default=[])
    systems: dict[Name, System]
    pool: Pool
    annotate: Annotate = Annotate()
    adjudicate: Adjudicate = Adjudicate()
    check: Check = Check()
    evaluate: Evaluate
    fitness: Fitness = Fitness()
    fidelity: Fidelity
    probe: Probe = Probe()
    answer: Answer = Answer()
    answerers: dict[Name, AnyAnswerer] = Field(default={})
    report: Report
    release: Release
    train_generator: TrainGenerator = TrainGenerator()
    train_text_tower: TrainTextTower = TrainTextTower()
    train_cletir: TrainCletir = TrainCletir()
    task_runner: TaskRunner = TaskRunner()

    @property
    def generator(self) -> AnyGenerator | None:
        """What draws; None where nothing does."""
        return None if self.visualize.generator is None else self.generators[self.visualize.generator]

    def drawing_systems(self, among: Iterable[str] | None = None) -> list[str]:
        """Those of some systems, or of all, that look at drawings, themselves or by what they are made of."""
        names = self.systems if among is None else among
        return [name for name in names if any(section.drawings for _, section in self.systems[name].walk(name))]

    def system(self, name: str) -> System:
        """The system of that name.

        Raises:
            FieldguideError: there is none.
        """
        if name not in self.systems:
            raise FieldguideError(f"systems: no {name!r}; params.yaml has {', '.join(self.systems)}")
        return self.systems[name]


def references(params: Params) -> list[Problem]:
    """Names that point from one section into another and hit nothing."""
    ranking = [item for name, system in params.systems.items() for item in system.walk(f"systems.{name}")]
    problems = [
        Problem(where, f"{name!r} is not in {there}; allowed: {', '.join(sorted(known)) or 'none'}")
        for where, name, known, there in _uses(params, ranking)
        if name not in known
    ]
    for place, system in ranking:
        if system.drawings > params.visualize.images:
            allowed = f"1 to {params.visualize.images} (visualize.images)"
            problems.append(Problem(f"{place}.images", f"is {system.drawings}; allowed: {allowed}"))
    problems += untrained(params.systems, params.train_cletir, left_out(params))
    problems += unrefined(params.systems, params.refine, left_out(params))
    problems += unprobeable(params.systems, params.probe.systems)
    for section in ("compose", "rewrite", "recompose"):
        stage = getattr(params, section)
        by_whom = {getattr(stage, key, None) for key in ("composer", "rewriter", "recomposer")}
        if "chat" in by_whom and stage.chat is None:
            problems.append(Problem(f"{section}.chat", "is empty; `chat` needs base_url and model"))
    return problems


Use = tuple[str, str, Iterable[str], str]
"""A key, the name that it holds, the names that it may hold, and the key that has these."""


def _uses(params: Params, ranking: Iterable[tuple[str, RankingSection]]) -> Iterator[Use]:
    """Every name that points from one section into another."""

    def named(where: str, names: Iterable[str], known: Iterable[str], there: str) -> Iterator[Use]:
        return ((f"{where}.{n}", name, known, there) for n, name in enumerate(names))

    embedded, run = (params.embed.encoders, "embed.encoders"), (params.retrieve.systems, "retrieve.systems")
    yield from named("embed.encoders", params.embed.encoders, params.encoders, "encoders")
    yield "mine.encoder", params.mine.encoder, *embedded
    yield "fidelity.encoder", params.fidelity.encoder, *embedded
    if params.visualize.generator:
        yield "visualize.generator", params.visualize.generator, params.generators, "generators"
    if params.caption.captioner:
        yield "caption.captioner", params.caption.captioner, params.captioners, "captioners"
    yield from named("retrieve.systems", params.retrieve.systems, params.systems, "systems")
    for place, system in ranking:
        for key, encoder in system.encoders.items():
            yield f"{place}.{key}", encoder, params.encoders, "encoders"
    yield from named("pool.systems", params.pool.systems, *run)
    yield from named("probe.systems", params.probe.systems, params.systems, "systems")
    if params.annotate.preannotation is not None:
        yield "annotate.preannotation.system", params.annotate.preannotation.system, *run
    yield "evaluate.baseline", params.evaluate.baseline, *run
    for family, members in params.fitness.families.items():
        yield from named(f"fitness.families.{family}", members, *run)
    yield from named("answer.answerers", params.answer.answerers, params.answerers, "answerers")
    yield from named("answer.systems", params.answer.systems, *run)
    for name in params.answer.answerers:
        spec = params.answerers.get(name)
        if isinstance(spec, FeaturesAnswerer):
            yield f"answerers.{name}.encoder", spec.encoder, *embedded
    sources = [source.name for source in params.ingest.sources]
    yield from ((f"release.sources.{name}", name, sources, "ingest.sources") for name in params.release.sources)


def left_out(params: Params) -> dict[str, str]:
    """Systems that cannot run as things are, with what they lack, in the order of params.yaml."""
    drawing = set(params.drawing_systems()) if params.visualize.generator is None else set()
    caption, twinless = params.caption, ""
    if caption.captioner is None or not caption.twins:
        twinless = "caption.captioner is null" if caption.captioner is None else "caption.twins is false"
    found = {}
    for name, system in params.systems.items():
        needed = [encoder for _, section in system.walk(name) for encoder in section.encoders.values()]
        lacking = [encoder for encoder in dict.fromkeys(needed) if encoder not in params.embed.encoders]
        if name in drawing:
            found[name] = "looks at drawings, and visualize.generator is null"
        elif twinless and any(section.twins for _, section in system.walk(name)):
            found[name] = f"looks at the photographs' twins, and {twinless}"
        elif lacking:
            found[name] = f"needs encoder {lacking[0]}, which embed.encoders does not have"
    return found


def without_left_out(params: Params) -> Params:
    """The params without the systems that cannot run.

    Raises:
        ProblemsError: what names one system is left without it, or no system is left.
    """
    out = left_out(params)
    guess = params.annotate.preannotation
    single = {"evaluate.baseline": params.evaluate.baseline, "annotate.preannotation.system": guess and guess.system}
    problems = [
        Problem(where, f"{name!r} {out[name]}; name another system")
        for where, name in single.items()
        if name is not None and name in out
    ]

    def kept(names: Iterable[str]) -> list[str]:
        return [name for name in names if name not in out]

    problems += [
        Problem(f"{section}.systems", "no system is left: " + "; ".join(f"{n} {out[n]}" for n in names))
        for section, names in (("retrieve", params.retrieve.systems), ("pool", params.pool.systems))
        if not kept(names)
    ]
    if problems:
        raise ProblemsError("params.yaml is not valid:", problems)
    if not out:
        return params
    families = {family: kept(members) for family, members in params.fitness.families.items()}
    changes: dict[str, dict[str, Any]] = {
        "retrieve": {"systems": kept(params.retrieve.systems)},
        "pool": {"systems": kept(params.pool.systems)},
        "probe": {"systems": kept(params.probe.systems)},
        "answer": {"systems": kept(params.answer.systems)},
        "train_cletir": {"systems": kept(params.train_cletir.systems)},
        "refine": {"systems": kept(params.refine.systems)},
        "fitness": {"families": {family: members for family, members in families.items() if members}},
    }
    return params.model_copy(
        update={name: getattr(params, name).model_copy(update=change) for name, change in changes.items()}
    )
