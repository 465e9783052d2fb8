"""Where everything lies, relative to the root of a benchmark's repository. The one list of paths; see docs/data.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class RelativePath:
    """An attribute that is a path below the root; `{name}` stands for a field."""

    def __init__(self, below: str) -> None:
        self._below = below

    def __get__(self, paths: Paths, _: type[Paths]) -> Path:
        return paths.root / self._below.format_map(vars(paths))


@dataclass(frozen=True)
class Paths:
    """The files and folders of one benchmark."""

    root: Path = Path()

    data = RelativePath("data")
    """Everything that DVC tracks."""
    input = RelativePath("data/input")
    """What the benchmark is made from: photographs, knowledge, weights. Fetched, never committed."""
    knowledge = RelativePath("data/knowledge")
    """Curated entities, attributes and how features are said; committed, edited by the curator."""
    models = RelativePath("data/models")
    """Weights trained by this repository, committed: one folder a model."""
    calls = RelativePath("data/calls")
    """Answers of paid or slow calls and the ledger of what they cost; written once, never edited, no output."""

    images = RelativePath("data/corpus/images.parquet")
    """records.IMAGES of the corpus."""
    shards = RelativePath("data/corpus/shards")
    """Folder of the tars that hold the corpus's bytes."""
    rejected = RelativePath("data/corpus/rejected.parquet")
    """records.REJECTED."""
    duplicates = RelativePath("data/corpus/duplicates.parquet")
    """records.DUPLICATES."""

    entities = RelativePath("data/mined/entities.parquet")
    """records.ENTITIES."""
    attributes = RelativePath("data/mined/attributes.parquet")
    """records.ATTRIBUTES."""
    groups = RelativePath("data/mined/groups.parquet")
    """records.GROUPS, accepted and refused."""
    refused_knowledge = RelativePath("data/mined/refused.jsonl")
    """records.Refusal lines of mining: entities without photographs, sources that contradict each other."""

    topics = RelativePath("data/topics/topics.jsonl")
    """records.Topic lines."""
    refused_topics = RelativePath("data/topics/refused.jsonl")
    """records.Refusal lines of composing."""
    phrases = RelativePath("data/texts/phrases.jsonl")
    """records.Phrase lines."""
    expansions = RelativePath("data/texts/expansions.jsonl")
    """records.Phrase lines: other wordings of the phrases, several a subtopic."""

    captions = RelativePath("data/captions/captions.parquet")
    """records.CAPTIONS."""
    twins = RelativePath("data/captions/twins/twins.parquet")
    """records.DRAWINGS of the photographs' captions, empty where nothing asks for them; the tar lies beside it."""
    recomposed = RelativePath("data/texts/recomposed.parquet")
    """records.RECOMPOSED."""

    external = RelativePath("data/external")
    """Folder of runs that were made elsewhere; committed or put there by hand, never written by a stage."""
    components = RelativePath("data/texts/components.jsonl")
    """records.Component lines: what each subtopic asks for, taken apart."""
    drawings = RelativePath("data/drawings/drawings.parquet")
    """records.DRAWINGS; the tars lie beside it."""
    drawing_references = RelativePath("data/drawings/references.parquet")
    """records.DRAWING_REFERENCES; only where the generator looks at photographs."""

    ranked = RelativePath("data/runs/ranked.json")
    """Which systems are ranked, and every system's section with its defaults filled in (JSON)."""
    probed = RelativePath("data/runs/probed.json")
    """Which systems are probed, and the section of each: as `ranked`, of `probe.systems` alone (JSON)."""
    cletir = RelativePath("data/cletir")
    """Folder with CLETIR's aggregation networks: a folder a system, a file a fold of its entities."""
    pools = RelativePath("data/pools/pools.parquet")
    """records.POOLS."""

    judgments = RelativePath("data/judgments/log.jsonl")
    """Append-only judgment log (JSONL with a hash chain)."""
    asked = RelativePath("data/judgments/plan.parquet")
    """fieldguide.records.plan.PLAN: who is asked what, on which page; grows, never forgets."""
    quarantine = RelativePath("data/judgments/quarantine.jsonl")
    """What came from the annotation server and could not be taken as a judgment, with the reason (JSONL)."""
    correspondence = RelativePath("data/judgments/correspondence.jsonl")
    """What assessors asked, what was answered, how training went, why rulings were made (JSONL); no judgments."""
    unshowable = RelativePath("data/judgments/unshowable.json")
    """Images that nobody could be asked about, with the reason (JSON); missing where there are none."""
    used_guidelines = RelativePath("data/judgments/guidelines")
    """Folder: every version of the guidelines that anybody was asked by, VERSION.md each."""

    annotation = RelativePath("annotation")
    """What a curator edits for the people who judge: guidelines.md, label_config.xml, gold.csv; committed."""
    annotation_state = RelativePath(".annotation")
    """The local annotation server with its accounts and its data base, copies of images, cursors of pull.

    Never committed, and apart from `state`, which may be deleted: answers that were not pulled lie here.
    """

    qrels = RelativePath("data/qrels")
    """Folder: qrels.parquet (records.QRELS), qrels.trec, grades.json."""
    checks = RelativePath("data/checks")
    """Folder: checks.json with every expectation's outcome."""
    evaluation = RelativePath("data/evaluation")
    """Folder: scores.parquet (records.SCORES), leaderboard.json, comparisons.json, metrics.json."""
    fitness = RelativePath("data/evaluation/fitness.json")
    """Whether the collection is fit to measure with: unjudged images, reuse, noise, chance, near duplicates."""
    fidelity = RelativePath("data/evaluation/fidelity.json")
    """Whether drawings show what they were asked for."""
    probes = RelativePath("data/evaluation/probes.json")
    """Which systems react to questions that were changed."""

    answers = RelativePath("data/answers/answers.parquet")
    """records.ANSWERS: who answered what, shown what."""
    answering = RelativePath("data/answers/answering.json")
    """What the answers say: accuracy by context, differences, the share of the gap that retrieval closes."""

    report = RelativePath("data/report/index.html")
    """The first page of the report, whose other pages and images lie beside it."""
    release = RelativePath("data/release")
    """The release folder."""

    private = RelativePath(".private")
    """What a release withholds, and the ledger of the runs that were scored by it. Never committed or published."""
    salt = RelativePath(".private/salt")
    """The secret that makes a release's commitment say nothing; never committed, never published."""

    library = RelativePath("library.json")
    """In a project that `fieldguide init` made: the library that it was built with. Elsewhere there is none."""
    state = RelativePath(".fieldguide")
    """Machine-local state: locks, caches, the background server. Never committed, safe to delete when idle."""
    cache = RelativePath(".fieldguide/cache")
    """Content-addressed results that outlive a stage's outputs (drawings, embeddings, decoded headers)."""

    def embeddings(self, encoder: str) -> Path:
        """Folder with one encoder's vectors of the corpus."""
        return self.data / "embeddings" / encoder

    def queries(self, encoder: str) -> Path:
        """Folder with one encoder's vectors of questions, phrases, captions, drawings and twins."""
        return self.data / "queries" / encoder

    def run(self, track: str, system: str) -> Path:
        """TREC run file of one system on one track."""
        return self.data / "runs" / track / f"{system}.trec"

    def searched(self, system: str) -> Path:
        """How well an index served one system on the track fullrank, see records.IndexRecall."""
        return self.data / "runs" / "search" / f"{system}.json"
