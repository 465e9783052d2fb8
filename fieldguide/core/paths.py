"""Where everything lies, relative to the root of a benchmark's repository. The one list of paths; see docs/data.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The files and folders of one benchmark."""

    root: Path = Path()

    @property
    def data(self) -> Path:
        """Everything that DVC tracks."""
        return self.root / "data"

    @property
    def input(self) -> Path:
        """What the benchmark is made from: photographs, knowledge, weights. Fetched, never committed."""
        return self.data / "input"

    @property
    def knowledge(self) -> Path:
        """Curated entities.jsonl and attributes.csv; committed, edited by the curator."""
        return self.data / "knowledge"

    @property
    def models(self) -> Path:
        """Weights trained by this repository, committed: one folder a model."""
        return self.data / "models"

    @property
    def calls(self) -> Path:
        """Answers of paid or slow calls and the ledger of what they cost; written once, never edited, no output."""
        return self.data / "calls"

    @property
    def images(self) -> Path:
        """records.IMAGES of the corpus."""
        return self.data / "corpus" / "images.parquet"

    @property
    def shards(self) -> Path:
        """Folder of the tars that hold the corpus's bytes."""
        return self.data / "corpus" / "shards"

    @property
    def rejected(self) -> Path:
        """records.REJECTED."""
        return self.data / "corpus" / "rejected.parquet"

    @property
    def duplicates(self) -> Path:
        """records.DUPLICATES."""
        return self.data / "corpus" / "duplicates.parquet"

    def embeddings(self, encoder: str) -> Path:
        """Folder with one encoder's vectors of the corpus."""
        return self.data / "embeddings" / encoder

    def queries(self, encoder: str) -> Path:
        """Folder with one encoder's vectors of questions, phrases and drawings."""
        return self.data / "queries" / encoder

    @property
    def entities(self) -> Path:
        """records.ENTITIES."""
        return self.data / "mined" / "entities.parquet"

    @property
    def attributes(self) -> Path:
        """records.ATTRIBUTES."""
        return self.data / "mined" / "attributes.parquet"

    @property
    def groups(self) -> Path:
        """records.GROUPS, accepted and refused."""
        return self.data / "mined" / "groups.parquet"

    @property
    def refused_knowledge(self) -> Path:
        """records.Refusal lines of mining: entities without photographs, sources that contradict each other."""
        return self.data / "mined" / "refused.jsonl"

    @property
    def topics(self) -> Path:
        """records.Topic lines."""
        return self.data / "topics" / "topics.jsonl"

    @property
    def refused_topics(self) -> Path:
        """records.Refusal lines of composing."""
        return self.data / "topics" / "refused.jsonl"

    @property
    def phrases(self) -> Path:
        """records.Phrase lines."""
        return self.data / "texts" / "phrases.jsonl"

    @property
    def expansions(self) -> Path:
        """records.Phrase lines: other wordings of the phrases, several a subtopic."""
        return self.data / "texts" / "expansions.jsonl"

    @property
    def captions(self) -> Path:
        """records.CAPTIONS."""
        return self.data / "captions" / "captions.parquet"

    @property
    def recomposed(self) -> Path:
        """records.RECOMPOSED."""
        return self.data / "texts" / "recomposed.parquet"

    @property
    def external(self) -> Path:
        """Folder of runs that were made elsewhere; committed or put there by hand, never written by a stage."""
        return self.data / "external"

    @property
    def components(self) -> Path:
        """records.Component lines: what each subtopic asks for, taken apart."""
        return self.data / "texts" / "components.jsonl"

    @property
    def drawings(self) -> Path:
        """records.DRAWINGS; the tars lie beside it."""
        return self.data / "drawings" / "drawings.parquet"

    @property
    def drawing_references(self) -> Path:
        """records.DRAWING_REFERENCES; only where the generator looks at photographs."""
        return self.data / "drawings" / "references.parquet"

    def run(self, track: str, system: str) -> Path:
        """TREC run file of one system on one track."""
        return self.data / "runs" / track / f"{system}.trec"

    def searched(self, system: str) -> Path:
        """How well an index served one system on the track fullrank, see records.IndexRecall."""
        return self.data / "runs" / "search" / f"{system}.json"

    @property
    def ranked(self) -> Path:
        """Which systems are ranked, and every system's section with its defaults filled in (JSON)."""
        return self.data / "runs" / "ranked.json"

    @property
    def probed(self) -> Path:
        """Which systems are probed, and the section of each: as `ranked`, of `probe.systems` alone (JSON)."""
        return self.data / "runs" / "probed.json"

    @property
    def cletir(self) -> Path:
        """Folder with CLETIR's aggregation networks: a folder a system, a file a fold of its entities."""
        return self.data / "cletir"

    @property
    def pools(self) -> Path:
        """records.POOLS."""
        return self.data / "pools" / "pools.parquet"

    @property
    def judgments(self) -> Path:
        """Append-only judgment log (JSONL with a hash chain)."""
        return self.data / "judgments" / "log.jsonl"

    @property
    def asked(self) -> Path:
        """fieldguide.records.plan.PLAN: who is asked what, on which page; grows, never forgets."""
        return self.data / "judgments" / "plan.parquet"

    @property
    def quarantine(self) -> Path:
        """What came from the annotation server and could not be taken as a judgment, with the reason (JSONL)."""
        return self.data / "judgments" / "quarantine.jsonl"

    @property
    def unshowable(self) -> Path:
        """Images that nobody could be asked about, with the reason (JSON); missing where there are none."""
        return self.data / "judgments" / "unshowable.json"

    @property
    def used_guidelines(self) -> Path:
        """Folder: every version of the guidelines that anybody was asked by, VERSION.md each."""
        return self.data / "judgments" / "guidelines"

    @property
    def annotation(self) -> Path:
        """What a curator edits for the people who judge: guidelines.md, label_config.xml, gold.csv; committed."""
        return self.root / "annotation"

    @property
    def annotation_state(self) -> Path:
        """The local annotation server with its accounts and its data base, copies of images, cursors of pull.

        Never committed, and apart from `state`, which may be deleted: answers that were not pulled lie here.
        """
        return self.root / ".annotation"

    @property
    def qrels(self) -> Path:
        """Folder: qrels.parquet (records.QRELS), qrels.trec, grades.json."""
        return self.data / "qrels"

    @property
    def checks(self) -> Path:
        """Folder: checks.json with every expectation's outcome."""
        return self.data / "checks"

    @property
    def evaluation(self) -> Path:
        """Folder: scores.parquet (records.SCORES), leaderboard.json, comparisons.json, metrics.json."""
        return self.data / "evaluation"

    @property
    def fitness(self) -> Path:
        """Whether the collection is fit to measure with: unjudged images, reuse, noise, chance, near duplicates."""
        return self.evaluation / "fitness.json"

    @property
    def fidelity(self) -> Path:
        """Whether drawings show what they were asked for."""
        return self.evaluation / "fidelity.json"

    @property
    def probes(self) -> Path:
        """Which systems react to questions that were changed."""
        return self.evaluation / "probes.json"

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.data / "report" / "index.html"

    @property
    def release(self) -> Path:
        """The release folder."""
        return self.data / "release"

    @property
    def state(self) -> Path:
        """Machine-local state: locks, caches, the background server. Never committed, safe to delete when idle."""
        return self.root / ".fieldguide"

    @property
    def cache(self) -> Path:
        """Content-addressed results that outlive a stage's outputs (drawings, embeddings, decoded headers)."""
        return self.state / "cache"
