"""Scores that somebody reported on a collection, read from a file or computed from a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool

if TYPE_CHECKING:
    import pandas as pd

_DEPTH = 20
_KEY = re.compile(r"(?:(?P<of>\S+)\s+)?(?P<name>[A-Za-z_]+)(?P<rest>\(.*\))?(?P<cutoff>@\d+)?")


class Reported(NamedTuple):
    """One score: of which system, by which measure (in ir-measures' writing), and where it stands."""

    system: str
    measure: str
    value: float
    where: str


def read_scores(path: Path, collection: PublishedBenchmark, read_as: Mapping[str, str]) -> tuple[Reported, ...]:
    """Scores of one collection in a JSON file of nested objects.

    A number is a score (0..1), its key a measure, or a collection's name (or format), a space and a measure
    (`visual-rag-me hit@10`). The keys above it name the system. Texts, lists and other collections' scores are passed
    over.

    Args:
        path: the file.
        collection: whose scores are wanted.
        read_as: measures by the names that the file has for them, such as `{"N": "visret_nDCG"}`.

    Raises:
        FieldguideError: no such file, no JSON, nested too deeply, or no score of this collection in it.
        ProblemsError: names that are no measure, and scores outside 0..1.
    """
    from fieldguide.evaluation.measures.parsing import parse_measures

    mine = {collection.name, collection.format}
    found, problems, others = [], [], set()
    for keys, value in _numbers(read_json(path), (), str(path)):
        match = _KEY.fullmatch(keys[-1])
        if match is None:
            continue
        if match["of"] and match["of"] not in mine:
            others.add(match["of"])
            continue
        where = f"{path}: {' / '.join(keys)}"
        measure = read_as.get(match["name"], match["name"]) + (match["rest"] or "") + (match["cutoff"] or "")
        if not 0 <= value <= 1:
            problems.append(Problem(where, f"is {value:g}; a score lies between 0 and 1"))
        found.append(Reported(" / ".join(keys[:-1]) or "system", measure, value, where))
    if not found:
        there = f"; it has scores of {', '.join(sorted(others))}" if others else ""
        raise FieldguideError(f"{path}: no score of {' or '.join(sorted(mine))} in it{there}")
    try:
        parse_measures(list(dict.fromkeys(score.measure for score in found)), str(path))
    except ProblemsError as error:
        hint = "is unknown here; say what it is with --read-as, such as --read-as N=visret_nDCG"
        problems += [Problem(p.where, f"{p.what}; or it {hint}") for p in error.problems]
    if problems:
        raise ProblemsError(f"{path}: scores that cannot be used:", problems)
    return tuple(found)


def _numbers(value: Any, keys: tuple[str, ...], path: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number below objects, with its keys."""
    if len(keys) > _DEPTH:
        raise FieldguideError(f"{path}: objects inside objects more than {_DEPTH} deep; these are no scores")
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, (*keys, str(key)), path)
    elif isinstance(value, int | float) and not isinstance(value, bool) and keys:
        yield keys, float(value)


def of_run(run: pd.DataFrame, system: str, pools: tuple[PublishedPool, ...], where: str) -> Reported:
    """`hit@1` of a run over the pools that have a relevant image; a pool that the run does not rank scores 0.

    Args:
        run: as `retrieval.runs.read_run` gives it.
        system: its name.
        pools: of the collection.
        where: the run's file.

    Raises:
        FieldguideError: no pool of the collection is ranked in the run.
    """
    best = run.loc[run["rank"] == run.groupby("subtopic_id")["rank"].transform("min")]
    first = dict(zip(best["subtopic_id"], best["image_id"], strict=True))
    judged = [pool for pool in pools if pool.relevant]
    if not any(pool.subtopic_id in first for pool in judged):
        raise FieldguideError(
            f"{where}: ranks no subtopic of this collection (they are named like {pools[0].subtopic_id})"
        )
    hits = sum(first.get(pool.subtopic_id) in set(pool.relevant) for pool in judged)
    return Reported(system, "hit@1", hits / len(judged), where)
