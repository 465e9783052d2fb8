"""Judgments of a release: the log's chain, its head in grades.json, and that the qrels follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.annotation.judgments.adjudication import adjudicate
from fieldguide.annotation.judgments.excluding import without
from fieldguide.annotation.judgments.guidelines import Guideline, archived
from fieldguide.annotation.judgments.log import Log, read
from fieldguide.annotation.judgments.votes import graded, votes
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.core.yaml_files import read_yaml

LOG, GRADES, QRELS = "judgments/log.jsonl", "qrels/grades.json", "qrels/qrels.parquet"
_GUIDELINES = "judgments/guidelines"
_COLUMNS = ("grade", "assessors", "judgments", "decided_by")


def wrong_judgments(folder: Path, pools: pd.DataFrame, qrels: pd.DataFrame) -> Iterator[Problem]:
    """Everything that does not follow from the log, beginning with a chain that is broken.

    Under `majority` qrels are made again, and compared whole. What `dawid-skene` makes of votes depends on gold grades
    that a release does not hold: there, grades must be among those that were given.
    """
    try:
        log = read(folder / LOG)
        guidelines = archived(folder / _GUIDELINES)
    except FieldguideError as error:
        yield from error.problems if isinstance(error, ProblemsError) else [Problem(str(folder / LOG), str(error))]
        return
    if log.torn:
        yield Problem(str(folder / LOG), log.torn)
    yield from _head(folder, log)
    yield from _choices(folder, log, guidelines)
    yield from _grades(folder, log, pools, qrels)


def _head(folder: Path, log: Log) -> Iterator[Problem]:
    """A log that was cut off, or written anew from some line on, has another head than the one grades.json tells."""
    stated = read_json(folder / GRADES)
    told = stated.get("log") if isinstance(stated, dict) else None
    found = {"lines": len(log.entries), "head": log.head}
    if told != found:
        what = f"grades rest on a log of which {told} is said; {LOG} has {found}: lines were cut off or written anew"
        yield Problem(str(folder / GRADES), what)


def _choices(folder: Path, log: Log, guidelines: dict[str, Guideline]) -> Iterator[Problem]:
    for number, entry in enumerate(log.entries, 1):
        known = guidelines.get(entry.guideline)
        if known is None:
            yield Problem(f"{folder / LOG}:{number}", f"was judged by {entry.guideline}, not in {_GUIDELINES}")
        elif entry.choice is not None and known.choices.get(entry.choice, -1) != entry.grade:
            what = f"choice {entry.choice!r} has grade {entry.grade}; {entry.guideline} gives another"
            yield Problem(f"{folder / LOG}:{number}", what)


def _grades(folder: Path, log: Log, pools: pd.DataFrame, qrels: pd.DataFrame) -> Iterator[Problem]:
    section = _section(folder)
    by_majority, excluded = section.get("rule", "majority") == "majority", section.get("excluded")
    entries = without(log.entries, excluded if isinstance(excluded, dict) else ())
    made, there = _by_pair(adjudicate(entries, pools).qrels), _by_pair(qrels)
    said = {pair: set(graded(by).values()) for pair, by in votes(entries).items()}
    for pair in sorted(there.keys() - made.keys()):
        yield Problem(str(folder / QRELS), f"grades {' '.join(pair)}, which nobody judged")
    for pair in sorted(made.keys() - there.keys()):
        yield Problem(str(folder / QRELS), f"lacks {' '.join(pair)}, which was judged")
    for pair in sorted(there.keys() & made.keys()):
        found, wanted = there[pair], made[pair]
        if not by_majority and wanted["decided_by"] != "adjudicator" and found["grade"] in said[pair]:
            wanted = wanted | {"grade": found["grade"], "decided_by": found["decided_by"]}
        for name in _COLUMNS:
            if found[name] != wanted[name]:
                what = f"{name} of {' '.join(pair)} is {found[name]}; the log gives {wanted[name]}"
                yield Problem(str(folder / QRELS), what)


def _section(folder: Path) -> dict[str, Any]:
    """`adjudicate` of params.yaml; empty where there is none."""
    try:
        section = read_yaml(folder / "params.yaml")["adjudicate"]
    except (FieldguideError, TypeError, KeyError):
        return {}
    return section if isinstance(section, dict) else {}


def _by_pair(qrels: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (row["subtopic_id"], row["image_id"]): {
            "grade": int(row["grade"]),
            "assessors": sorted(map(str, row["assessors"])),
            "judgments": int(row["judgments"]),
            "decided_by": str(row["decided_by"]),
        }
        for row in qrels.to_dict("records")
    }
