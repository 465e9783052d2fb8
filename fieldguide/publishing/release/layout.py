"""What lies where in a release, and the version of that answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from fieldguide.core.tables import Table
from fieldguide.records.answers import ANSWERS as ANSWER_TABLE
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.release import RELEASE_IMAGES, RELEASE_QUERIES, RELEASE_RUNS, RELEASE_TOPICS
from fieldguide.records.scores import SCORES

FORMAT = "fieldguide-release"
# Raise it when a reader of the old layout would misread the new one.
FORMAT_VERSION = 2

SUMS = "SHA256SUMS"
SUM_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
ABOUT = "release.json"
CARD = "README.md"
DATASHEET = "datasheet.md"
MANIFEST = "images.parquet"
PHOTOGRAPHS = "images"
ANSWERS = "calls"
ERRATA = "ERRATA.md"
FORM = ("guidelines.md", "label_config.xml", "gold.csv")
"""What people judge by, as annotation/ has it."""

TABLES: dict[str, Table] = {
    MANIFEST: RELEASE_IMAGES,
    "entities.parquet": ENTITIES,
    "attributes.parquet": ATTRIBUTES,
    "groups.parquet": GROUPS,
    "pools.parquet": POOLS,
    "qrels/qrels.parquet": QRELS,
    "scores.parquet": SCORES,
    "answers.parquet": ANSWER_TABLE,
    "topics.parquet": RELEASE_TOPICS,
    "queries.parquet": RELEASE_QUERIES,
}
RUNS = "runs.parquet"
"""All runs (records.release.RELEASE_RUNS), a row group each: by far the largest table."""

MEANINGS = {
    ERRATA: "what changed from version to version",
    CARD: "what this is, how to use it, how to rebuild the photographs",
    "LICENSE.txt": "which licence holds for what",
    SUMS: "sha256 of every other file; `sha256sum -c SHA256SUMS`",
    DATASHEET: "datasheet after Gebru et al.: why and how it was made, what is in it, what it is for and not for",
    ABOUT: "format version, counts, and the meaning of every column",
    "params.yaml": "every parameter of the pipeline",
    "topics.jsonl": "questions with entities, feature, part, reference answer, provenance",
    "topics.parquet, queries.parquet": "questions without provenance, and queries, a row each",
    "queries.jsonl": "one query a subtopic: `text` says which entity of the question is meant, and is no other's",
    "beir/": "corpus (captions, where images have them), queries and qrels as BEIR's loaders read them",
    "phrases.jsonl": "each subtopic as it was given to the text-to-image model",
    "qrels/": "grades as TREC qrels and as Parquet, their definitions, how each was decided",
    "qrels/agreement.json": "how far people agree",
    "qrels/comparison.trec, qrels/entity.trec": "the same grades, each kind of topic alone, as the results count them",
    "pools.parquet": "which images were judged for which subtopic, and what brought them there",
    "judgments/": "every judgment, append-only, chained by hashes",
    "judgments/guidelines/": "the guidelines that people had when they judged, every version",
    "judgments/plan.parquet": "who was asked what, on which page",
    "runs/": "run files of every system: fullrank (whole gallery), rerank (the subtopic's pool)",
    RUNS: "the same as one table",
    "annotation/": "guidelines, form and control questions, so that others can judge the same way",
    "croissant.json": "all of this for machines: Croissant 1.0, with its fields of responsible AI",
    "mteb_task.py": "the benchmark as a task of mteb: `from mteb_task import ...`",
    "CITATION.cff, .zenodo.json": "how it is cited, and what an archive is told",
    MANIFEST: "manifest: sha256, size, entity, split, source and licence of every image",
    "sources.json": "how each source of photographs is got, its licence, whom to name, what `source_key` means",
    "images/*.tar": "the photographs whose licence is stated, and no others; WebDataset reads them",
    "thumbnails.parquet": "these photographs, small",
    "entities.parquet, attributes.parquet, groups.parquet": "the knowledge that the questions were made from",
    "calls/": "where models were asked: prompts, answers, tokens, money; take them over with `fieldguide calls add`",
    "checks.json": "what was expected of the data, and whether it holds",
    "answers.parquet, answering.json": "who answered what when shown what, how it was scored, and what that says",
    "scores.parquet, leaderboard.json, comparisons.json": "scores, means, tie groups, differences between systems",
    "fitness.json": "is the collection fit to measure with: unjudged images, reuse, noise, chance, near duplicates",
    "vectors/": "what each encoder made of photographs and queries; LICENSE.txt says what to think of",
    "drawings/": "what was drawn, with prompts and seeds: drawings.parquet, and tars that WebDataset reads",
}
"""Of every file that a release can hold, in the order of the card; `/` at the end: all in that folder."""

DESCRIBED: dict[str, Table] = {**TABLES, RUNS: RELEASE_RUNS}


def run_file(track: str, system: str) -> str:
    """Where a run lies in a release."""
    return f"runs/{track}/{system}.trec"


def schemas() -> dict[str, Any]:
    """Columns of every table: type and meaning."""
    return {
        name: {column.name: {"type": str(column.type), "meaning": column.meaning} for column in table.columns}
        for name, table in DESCRIBED.items()
    }


def meanings(names: Iterable[str]) -> dict[str, str]:
    """MEANINGS of those files that there are: what a release lacks, its card does not promise.

    Args:
        names: of the files of a release.
    """
    there = list(names)
    found = {key: [part for part in key.split(", ") if _any(part, there)] for key in MEANINGS}
    return {", ".join(parts): MEANINGS[key] for key, parts in found.items() if parts}


def _any(part: str, names: Iterable[str]) -> bool:
    pattern = f"{part}*" if part.endswith("/") else part
    return any(fnmatchcase(name, pattern) for name in names)


def sums_text(sums: Mapping[str, str]) -> str:
    """SHA256SUMS of sums by file name: sorted, as `sha256sum -c` reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def listed_sums(text: str) -> dict[str, str]:
    """Sums by file name; lines that are none are passed over, for verifying tells of them."""
    return {match[2]: match[1] for line in text.splitlines() if (match := SUM_LINE.fullmatch(line))}
