"""params.yaml as typed, validated values: one section a stage, unknown keys refused, all problems told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from fieldguide.errors import FieldguideError, Problem, ProblemsError
from fieldguide.params.base import Draws, Name, Positive, Section, Seed, Share
from fieldguide.params.calls import Calls, Chat
from fieldguide.params.captions import Caption, Captioner, Recompose
from fieldguide.params.cletir import TrainCletir, untrained
from fieldguide.params.decomposing import Decompose
from fieldguide.params.encoders import Encoder
from fieldguide.params.fidelity import Fidelity
from fieldguide.params.generators import FlowMatchingGenerator, Generator
from fieldguide.params.probes import Probe, unprobeable
from fieldguide.params.search import Index
from fieldguide.params.systems import System


class SourceColumns(Section):
    """Names of the columns of a table of images."""

    bytes: str | None = None
    path: str | None = None
    key: str | None = None
    entity: str | None = None
    split: str | None = None
    licence: str | None = None
    attribution: str | None = None


class Source(Section):
    """Where images come from. A `folder` or `tar` takes the entity from the folder an image lies in."""

    name: Name
    kind: Literal["folder", "tar", "parquet", "manifest"]
    path: Path
    columns: SourceColumns = SourceColumns()
    entities: dict[str, Name] = Field(default={})
    splits: dict[str, Literal["train", "gallery"]] = Field(default={})
    split: Literal["train", "gallery"] = "gallery"
    licence: str | None = None
    attribution: str | None = None


class Ingest(Section):
    """Stage `ingest`."""

    sources: list[Source] = Field(min_length=1)
    shards: Positive = 8
    max_pixels: Positive = 64_000_000
    near_duplicate_bits: Annotated[int, Field(ge=0, le=16)] = 4


class Embed(Section):
    """Stages `embed` and `embed_queries`.

    Attributes:
        batch: images or texts that go to an encoder at once, in one or more forward passes.
        workers: processes that encode; on a machine with several GPUs, one for each.
        cluster: address of a Dask scheduler (dask://HOST:PORT) or a Ray cluster (ray://HOST:PORT) that encodes instead.
            Its workers see the repository at the same path. Both run what they are sent: trust all that can reach them.
    """

    encoders: list[Name] = Field(min_length=1)
    batch: Positive = 32
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    cluster: Annotated[str, Field(pattern=r"^(dask|ray)://[\w.-]+:[0-9]{1,5}$")] | None = None


class MineWeights(Section):
    """Weights of the three similarities in a group's score; they are normalised to sum to one."""

    taxonomic: Share = 0.4
    lexical: Share = 0.2
    visual: Share = 0.4


class Mine(Section):
    """Stage `mine`."""

    encoder: Name
    max_entities: Annotated[int, Field(ge=2, le=8)] = 3
    weights: MineWeights = MineWeights()
    min_score: Share = 0.45
    wordnet: Path | None = None


class Compose(Section):
    """Stage `compose`."""

    composer: Literal["template", "chat"] = "template"
    forms: list[Literal["which", "both", "truth", "which-not"]] = Field(min_length=1)
    max_topics: Positive = 60
    per_group: Positive = 4
    seed: Seed
    chat: Chat | None = None


class Rewrite(Section):
    """Stage `rewrite`. Templates may use {entity} and {part}; the feature's value is not to be had.

    `expansions`: templates of other wordings of each phrase, for systems that search for several at once; one with
    {part} is not used for topics that ask for the whole thing.
    """

    rewriter: Literal["template", "chat"] = "template"
    template: str = "a photo of {entity}, showing the {part}"
    expansions: list[str] = Field(default=[])
    chat: Chat | None = None


class Visualize(Section):
    """Stage `visualize`: `images` drawings of each phrase and of each generic prompt.

    `style` says what to draw them as: `a pencil sketch of ...`; null: as the phrase has it.
    """

    generator: Name
    images: Positive = 3
    seed: Seed
    style: Literal["photograph", "sketch", "painting"] | None = None
    generic_prompts: list[str] = Field(default=[])
    batch: Positive = 8


class Retrieve(Section):
    """Stages `retrieve` and `rerank`: systems to run, and how many images a full run keeps.

    `index`: through which a whole gallery is searched by systems that compare vectors; exactly where it is null.
    """

    systems: list[Name] = Field(min_length=1)
    depth: Positive = 100
    index: Index | None = None

    @model_validator(mode="after")
    def _shortlists_reach(self) -> Retrieve:
        if self.index is not None and self.index.shortlist < self.depth:
            raise ValueError(f"index.shortlist is {self.index.shortlist}; at least `depth`, {self.depth}, is needed")
        return self


class Pool(Section):
    """Stage `pool`: top `depth` of each system, and `sample` random images of the gallery a subtopic."""

    systems: list[Name] = Field(min_length=1)
    depth: Positive = 30
    sample: Annotated[int, Field(ge=0)] = 20
    seed: Seed


class Images(Section):
    """How assessors' browsers get the images.

    `local-files`: copies under .annotation/images, served by a Label Studio on this machine.
    `http`: at `address` + image_id (an S3 bucket's or any other public or signed-in address).
    `upload`: inside the task itself, as a data address; for small collections on a distant server.
    `side` is the greatest width or height in pixels of a copy; greater images are made smaller for the form.
    """

    kind: Literal["local-files", "http", "upload"] = "local-files"
    address: Annotated[str, Field(pattern=r"^(https?|s3)://")] | None = None
    side: Annotated[int, Field(ge=64, le=4096)] = 1024

    @model_validator(mode="after")
    def _address_is_for_http(self) -> Images:
        if (self.kind == "http") != (self.address is not None):
            raise ValueError("`address` belongs to the kind http, and to no other")
        return self


class Preannotation(Section):
    """Show a model's guess first, for a seeded `share` of the images; the rest stays blind.

    The images that `system` ranks within `relevant` for a subtopic are guessed to have the highest grade, all
    others grade 0. How far people follow the guess (anchoring) is reported.
    """

    system: Name
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    relevant: Positive = 10


class Stopping(Section):
    """When no more images of a subtopic are asked for. Images go out in pool order, `wave` pages a subtopic at a time.

    `consecutive`: after `count` non-relevant images in a row in pool order (INQUIRE used 100).
    `missed`: as soon as at most `bound` relevant images are unseen by the estimate's upper 95 % limit.
    """

    rule: Literal["consecutive", "missed"]
    count: Positive | None = None
    bound: Annotated[float, Field(ge=0)] | None = None
    wave: Positive = 2

    @model_validator(mode="after")
    def _has_its_number(self) -> Stopping:
        if (self.rule == "consecutive") != (self.count is not None) or (self.rule == "missed") != (
            self.bound is not None
        ):
            raise ValueError("`consecutive` needs `count`, `missed` needs `bound`, and neither the other's")
        return self


class Annotate(Section):
    """`fieldguide annotate`: who is asked what. Changing it changes what is asked from now on, never what was said.

    Attributes:
        assessors: names for the log, not addresses; accounts.json says who they are on the server.
        adjudicator: who decides where assessors disagree; must not be one of them.
        projects: `separate`: one a person, strictly blind; `shared`: one for all, the server hands each page to
            `overlap` people.
        overlap: how many assessors judge each image.
        gold: CSV of images with known grades (subtopic_id, image_id, grade), asked of everybody.
        gold_share: of an assessor's images, at most; 0: none.
        repeat_share: of an assessor's images that are asked again later, for self-consistency.
        page: images judged at once; 1: one by one, with zoom.
        subtopics: only these (ids of topics or subtopics); all where empty.
        coverage: share of the planned judgments at which the build goes on by itself.
    """

    assessors: list[Name] = Field(min_length=1)
    adjudicator: Name | None = None
    projects: Literal["separate", "shared"] = "separate"
    overlap: Positive = 2
    gold: Path | None = None
    gold_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    repeat_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    page: Annotated[int, Field(ge=1, le=8)] = 8
    seed: Seed
    subtopics: list[str] = Field(default=[])
    coverage: Annotated[float, Field(gt=0, le=1)] = 1.0
    images: Images = Images()
    preannotation: Preannotation | None = None
    stopping: Stopping | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Annotate:
        if len(set(self.assessors)) != len(self.assessors):
            raise ValueError("an assessor is named twice")
        if self.adjudicator in self.assessors:
            raise ValueError(f"adjudicator {self.adjudicator!r} is an assessor too, and would decide on own judgments")
        if self.overlap > len(self.assessors):
            raise ValueError(f"overlap is {self.overlap}, but there are {len(self.assessors)} assessors")
        if self.gold_share and self.gold is None:
            raise ValueError("gold_share needs `gold`, a CSV with subtopic_id, image_id and grade")
        if self.projects == "shared" and (self.repeat_share or self.preannotation):
            raise ValueError("repeat_share and preannotation need `projects: separate`: a shared project asks anybody")
        return self


class Adjudicate(Section):
    """Stage `adjudicate`: who judges, and how judgments become grades.

    `rule` decides where the adjudicator has not: `majority`, or `dawid-skene`, which weighs each assessor by the
    errors estimated from all judgments. `guideline`: the version whose judgments count, with those that have the same
    choices and grades; needed where the log holds judgments by several that do not go together.
    """

    judge: Literal["dataset-label", "log"] = "dataset-label"
    rule: Literal["majority", "dawid-skene"] = "majority"
    guideline: str | None = None


class Check(Section):
    """Stage `check`."""

    min_relevant: Annotated[int, Field(ge=0)] = 3
    max_answer_share: Share = 0.7
    unlicensed_sources: list[Name] = Field(default=[])


class Evaluate(Section):
    """Stage `evaluate`. Measures are written the way ir-measures writes them.

    Attributes:
        headline: the measure that systems are ordered by.
        baseline: the system that every other one is compared with, by every measure.
        compare: measures by which every pair of systems is compared and tie groups are made; the headline where empty.
        confidence: of intervals.
        bootstrap, permutations: how many resamples and sign patterns are drawn.
        alpha: systems differ where q, the p-value corrected for all pairs, is at most this.
        power: wanted when the number of topics is asked for.
    """

    measures: list[str] = Field(min_length=1)
    headline: str
    baseline: Name
    compare: list[str] = Field(default=[])
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    bootstrap: Draws = 10_000
    permutations: Draws = 10_000
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    seed: Seed

    @property
    def compared(self) -> list[str]:
        """Measures by which every pair of systems is compared, the headline first."""
        return list(dict.fromkeys([self.headline, *self.compare]))

    @model_validator(mode="after")
    def _named_are_measured(self) -> Evaluate:
        for key, names in (("headline", [self.headline]), ("compare", self.compare)):
            for name in names:
                if name not in self.measures:
                    raise ValueError(f"{key} {name!r} is not among measures: {', '.join(self.measures)}")
        return self


class Fitness(Section):
    """Stage `fitness`: is the collection fit to measure with?

    Attributes:
        measure: what everything is asked about; evaluate.headline where it is null.
        draws: of random orders, and of other assessors' answers.
        disagreement: share of judgments on which two assessors differ, where nobody measured it (agreement.json).
            The default is the mean share of wrong labels in ten test sets of Northcutt, Athalye and Mueller,
            Pervasive label errors in test sets, NeurIPS Datasets and Benchmarks 2021.
        families: systems that are left out of the pools together; those of one kind where it is empty.
    """

    measure: str | None = None
    draws: Positive = 1000
    disagreement: Share = 0.033
    families: dict[Name, list[Name]] = Field(default={})
    seed: Seed = 13


class Report(Section):
    """Stage `report`: `top` images a system and topic, thumbnails of `thumbnail` pixels."""

    title: str
    top: Positive = 6
    thumbnail: Annotated[int, Field(ge=16, le=512)] = 96


class Release(Section):
    """Stage `release`."""

    name: Name
    version: str
    licence: str
    description: str


class TrainGenerator(Section):
    """Stage `train_generator`, which runs only when told."""

    split: Literal["train"] = "train"
    size: Positive = 64
    channels: Positive = 96
    steps: Positive = 3000
    batch: Positive = 32
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    seed: Seed


class TrainTextTower(Section):
    """Stage `train_text_tower`, which runs only when told."""

    split: Literal["train"] = "train"
    epochs: Positive = 40
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    seed: Seed


class Params(Section):
    """The whole of params.yaml."""

    ingest: Ingest
    embed: Embed
    encoders: dict[Name, Encoder]
    mine: Mine
    calls: Calls = Calls()
    compose: Compose
    rewrite: Rewrite
    decompose: Decompose = Decompose()
    visualize: Visualize
    generators: dict[Name, Generator]
    caption: Caption = Caption()
    captioners: dict[Name, Captioner] = Field(default={})
    recompose: Recompose = Recompose()
    retrieve: Retrieve
    systems: dict[Name, System]
    pool: Pool
    annotate: Annotate
    adjudicate: Adjudicate
    check: Check
    evaluate: Evaluate
    fitness: Fitness = Fitness()
    fidelity: Fidelity
    probe: Probe = Probe()
    report: Report
    release: Release
    train_generator: TrainGenerator
    train_text_tower: TrainTextTower
    train_cletir: TrainCletir = TrainCletir()

    def encoder(self, name: str) -> Encoder:
        """The encoder of that name.

        Raises:
            FieldguideError: there is none.
        """
        if name not in self.encoders:
            raise FieldguideError(f"encoders: no {name!r}; params.yaml has {', '.join(self.encoders)}")
        return self.encoders[name]

    def trained_generator(self) -> FlowMatchingGenerator:
        """The section of the generator that stage `train_generator` trains: the one that draws.

        Raises:
            FieldguideError: it is of a kind that is not trained here.
        """
        name = self.visualize.generator
        section = self.generators[name]
        if not isinstance(section, FlowMatchingGenerator):
            raise FieldguideError(
                f"visualize.generator is {name!r} of kind {section.kind}; only the kind flow-matching is trained here"
            )
        return section

    def system(self, name: str) -> System:
        """The system of that name.

        Raises:
            FieldguideError: there is none.
        """
        if name not in self.systems:
            raise FieldguideError(f"systems: no {name!r}; params.yaml has {', '.join(self.systems)}")
        return self.systems[name]


def _references(params: Params) -> list[Problem]:
    """Names that point from one section into another and hit nothing."""
    encoders, systems = set(params.encoders), set(params.systems)
    ranking = [item for name, system in params.systems.items() for item in system.walk(f"systems.{name}")]
    uses = [
        *((f"embed.encoders.{i}", n, set(params.encoders), "encoders") for i, n in enumerate(params.embed.encoders)),
        ("mine.encoder", params.mine.encoder, set(params.embed.encoders), "embed.encoders"),
        ("fidelity.encoder", params.fidelity.encoder, set(params.embed.encoders), "embed.encoders"),
        ("visualize.generator", params.visualize.generator, set(params.generators), "generators"),
        *(("caption.captioner", n, set(params.captioners), "captioners") for n in [params.caption.captioner] if n),
        *((f"retrieve.systems.{i}", n, systems, "systems") for i, n in enumerate(params.retrieve.systems)),
        *(
            (f"{place}.{key}", encoder, encoders & set(params.embed.encoders), "embed.encoders")
            for place, system in ranking
            for key, encoder in system.encoders.items()
        ),
        *(
            (f"pool.systems.{i}", n, set(params.retrieve.systems), "retrieve.systems")
            for i, n in enumerate(params.pool.systems)
        ),
        *((f"probe.systems.{i}", n, systems, "systems") for i, n in enumerate(params.probe.systems)),
        ("evaluate.baseline", params.evaluate.baseline, set(params.retrieve.systems), "retrieve.systems"),
        *(
            (f"fitness.families.{family}.{i}", n, set(params.retrieve.systems), "retrieve.systems")
            for family, members in params.fitness.families.items()
            for i, n in enumerate(members)
        ),
    ]  # fmt: skip
    problems = [
        Problem(where, f"{name!r} is not in {there}; allowed: {', '.join(sorted(known)) or 'none'}")
        for where, name, known, there in uses
        if name not in known
    ]
    for place, system in ranking:
        if system.drawings > params.visualize.images:
            allowed = f"1 to {params.visualize.images} (visualize.images)"
            problems.append(Problem(f"{place}.images", f"is {system.drawings}; allowed: {allowed}"))
    problems += untrained(params.systems, params.train_cletir)
    problems += unprobeable(params.systems, params.probe.systems)
    guess = params.annotate.preannotation
    if guess is not None and guess.system not in params.retrieve.systems:
        what = f"{guess.system!r} is not in retrieve.systems; allowed: {', '.join(params.retrieve.systems)}"
        problems.append(Problem("annotate.preannotation.system", what))
    for section in ("compose", "rewrite", "recompose"):
        stage = getattr(params, section)
        by_whom = {getattr(stage, key, None) for key in ("composer", "rewriter", "recomposer")}
        if "chat" in by_whom and stage.chat is None:
            problems.append(Problem(f"{section}.chat", "is empty; `chat` needs base_url and model"))
    return problems


def _sections(annotation: Any) -> list[type[Section]]:
    """The sections that a field may hold, through lists, mappings and unions."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for argument in get_args(annotation) for section in _sections(argument)]


def _kind(section: type[Section]) -> str | None:
    """The one kind that a section is for, if there is one."""
    field = section.model_fields.get("kind")
    kinds = get_args(field.annotation) if field else ()
    return str(kinds[0]) if len(kinds) == 1 else None


def _is_mapping(name: int | str) -> bool:
    """Whether a section of params.yaml holds named sections."""
    field = Params.model_fields.get(str(name))
    return field is not None and get_origin(field.annotation) is dict


def _problem(where: str, error: ErrorDetails) -> Problem:
    """A validation error by the key as it stands in the file, with the allowed keys for an unknown one."""
    sections: list[type[Section]] = [Params]
    key = []
    for place, part in enumerate(error["loc"]):
        # pydantic names the variant of a union by kind, no key of the file; place 1 is a name from the file
        if place != 1 and len(sections) > 1 and part in {"plugin", *map(_kind, sections)}:
            sections = [s for s in sections if _kind(s) == part] or sections
            continue
        key.append(str(part))
        if place == 1 and _is_mapping(error["loc"][0]):
            continue  # a name from the file, though a section may have a field of that name
        inner = [s.model_fields[part].annotation for s in sections if isinstance(part, str) and part in s.model_fields]
        if inner:
            sections = [section for annotation in inner for section in _sections(annotation)]
        elif error["type"] == "extra_forbidden" and part == error["loc"][-1]:
            allowed = sorted({name for section in sections for name in section.model_fields})
            return Problem(f"{where}: {'.'.join(key)}", f"unknown key; allowed: {', '.join(allowed)}")
    # A whole section is in the file to be read: only a value is repeated.
    found = "" if error["type"] == "missing" or isinstance(error["input"], dict) else f" (found {error['input']!r})"
    return Problem(f"{where}: {'.'.join(key)}", f"{error['msg']}{found}")


def parse_params(values: Any, where: str = "params.yaml") -> Params:
    """Validate what a params file holds.

    Raises:
        ProblemsError: every key that is missing, unknown or out of range, with its value and what is allowed.
    """
    if not isinstance(values, dict):
        raise FieldguideError(f"{where}: expected sections such as `ingest:`, found {type(values).__name__}")
    try:
        params = Params.model_validate(values)
    except ValidationError as error:
        problems = [_problem(where, item) for item in error.errors()]
        raise ProblemsError(f"{where} is not valid:", problems) from None
    problems = [Problem(f"{where}: {p.where}", p.what) for p in _references(params)]
    if problems:
        raise ProblemsError(f"{where} is not valid:", problems)
    return params


def read_params(path: Path = Path("params.yaml")) -> Params:
    """Read and validate params.yaml.

    Raises:
        FieldguideError: no such file, or not YAML; names the line.
        ProblemsError: as `parse_params`.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FieldguideError(f"{path}: no such file; run from the root of a benchmark's repository") from None
    except yaml.YAMLError as error:
        raise FieldguideError(f"{path}: not valid YAML: {error}") from None
    return parse_params(values, str(path))
