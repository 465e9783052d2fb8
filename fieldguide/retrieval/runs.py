"""Runs and qrels in TREC's text formats, and the one rule by which a run is ordered.

trec_eval keeps scores in single precision, ranks by falling score, breaks ties by falling document id
(`strcmp`) and ignores the rank column. So do we: scores are rounded to float32 before they are
compared, and files hold the shortest digits that give that float32 back. What a reader sees in
the file is then what every measure is computed from.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.errors import FieldguideError, Problem, ProblemsError
from fieldguide.files import atomic_open
from fieldguide.records import RunLine

RUN_COLUMNS = ("subtopic_id", "image_id", "rank", "score", "system")
QREL_COLUMNS = ("subtopic_id", "image_id", "grade")
_BOM = b"\xef\xbb\xbf"


def ranking(scores: npt.ArrayLike, image_ids: Sequence[str] | npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Indices that order one subtopic's images: falling float32 score, equal scores by falling image_id.

    Args:
        scores: (n,) real numbers; greater is better.
        image_ids: (n,) strings, or integers that sort as the ids do (rows of a gallery sorted by image_id).

    Returns:
        (n,) permutation, best first.
    """
    order: npt.NDArray[np.intp] = np.lexsort((np.asarray(image_ids), np.asarray(scores, dtype=np.float32)))
    return order[::-1]


def rank_images(
    subtopic_id: str,
    image_ids: Sequence[str] | npt.NDArray[np.str_],
    scores: npt.ArrayLike,
    system: str,
    depth: int | None = None,
) -> list[RunLine]:
    """The lines of one subtopic, best first, ranks from 1, at most `depth` of them. Scores are float32 values."""
    single = np.asarray(scores, dtype=np.float32)
    # Only what can be among the best is sorted: everything at least as good as the depth-th score, ties included.
    reachable: npt.NDArray[np.intp] = np.arange(len(single))
    if depth is not None and depth < len(single):
        reachable = np.flatnonzero(single >= np.partition(single, len(single) - depth)[len(single) - depth])
    best = reachable[ranking(single[reachable], [str(image_ids[index]) for index in reachable.tolist()])][:depth]
    return [
        RunLine(subtopic_id, str(image_ids[index]), rank, float(single[index]), system)
        for rank, index in enumerate(best.tolist(), 1)
    ]


def write_run(path: Path, lines: Iterable[RunLine]) -> None:
    """Write a run atomically, subtopics in the order of their ids. The same lines in any order give the same bytes.

    Raises:
        ProblemsError: a subtopic's ranks are not those of its scores, an image occurs twice, a score is
            not finite, a name holds white space or is empty, or there is more than one system.
    """
    frame = pd.DataFrame([(x.subtopic_id, x.image_id, x.rank, x.score, x.system) for x in lines], columns=RUN_COLUMNS)
    places = [f"{path} ({s} {i})" for s, i in zip(frame["subtopic_id"], frame["image_id"], strict=True)]
    problems = _name_problems(frame, places, ("subtopic_id", "image_id", "system"))
    problems += _run_problems(frame, places)
    given = frame["rank"].to_numpy(dtype=np.int64)
    if problems:
        raise ProblemsError(f"{path}: not a run that can be written:", problems)
    frame = _ordered(frame)
    wrong = frame["rank"].to_numpy() != given[frame.index.to_numpy()]
    if wrong.any():
        first = frame[wrong].iloc[0]
        what = f"rank is {given[first.name]}; its score makes it {first['rank']}: take the lines from `rank_images`"
        where = f"{path} ({first['subtopic_id']} {first['image_id']})"
        raise ProblemsError(f"{path}: not a run that can be written:", [Problem(where, what)])
    digits = frame["score"].to_numpy(dtype=np.float32).astype(str)
    columns = (frame["subtopic_id"], frame["image_id"], frame["rank"], digits, frame["system"])
    with atomic_open(path) as stream:
        stream.writelines(f"{s} Q0 {i} {r} {d} {n}\n" for s, i, r, d, n in zip(*columns, strict=True))


def read_run(path: Path) -> pd.DataFrame:
    """Read a run, gzipped or not, with LF or CRLF, with or without a byte-order mark.

    Returns:
        A frame with the fields of `RunLine`: ordered by subtopic_id and rank. Ranks are those of the
        scores, as trec_eval takes them; the file's rank column is ignored.

    Raises:
        FieldguideError: no such file, damaged gzip.
        ProblemsError: every line with a wrong number of columns, a score that is no finite number,
            an image that its subtopic already has, or another system name than the first line's.
    """
    rows, places, problems = _split(path, 6, "subtopic_id Q0 image_id rank score system")
    subtopics, _, images, _, texts, systems = zip(*rows, strict=True) if rows else [()] * 6
    scores, wrong = _numbers(texts, float, "score", places)
    frame = pd.DataFrame(dict(zip(RUN_COLUMNS, (subtopics, images, 0, scores, systems), strict=True)))
    problems += wrong + _run_problems(frame, places)
    if problems:
        raise ProblemsError(f"{path} is not a valid run:", sorted(problems, key=_line))
    return _ordered(frame).reset_index(drop=True)


def write_qrels_trec(path: Path, qrels: pd.DataFrame) -> None:
    """Write the columns subtopic_id, image_id, grade as `subtopic_id 0 image_id grade`, sorted, atomically."""
    rows = qrels.sort_values(["subtopic_id", "image_id"])
    columns = (rows["subtopic_id"], rows["image_id"], rows["grade"])
    with atomic_open(path) as stream:
        stream.writelines(f"{s} 0 {i} {g}\n" for s, i, g in zip(*columns, strict=True))


def read_qrels_trec(path: Path) -> pd.DataFrame:
    """Read `subtopic_id 0 image_id grade` lines; as tolerant as `read_run`.

    Returns:
        A frame with subtopic_id, image_id and grade (int64), in the order of the file.

    Raises:
        FieldguideError: no such file, damaged gzip.
        ProblemsError: every line with a wrong number of columns, a grade that is no whole number, or a
            pair that was graded before.
    """
    rows, places, problems = _split(path, 4, "subtopic_id 0 image_id grade")
    subtopics, _, images, texts = zip(*rows, strict=True) if rows else [()] * 4
    grades, wrong = _numbers(texts, int, "grade", places)
    frame = pd.DataFrame(dict(zip(QREL_COLUMNS, (subtopics, images, grades), strict=True)))
    problems += wrong + _duplicates(frame, places)
    if problems:
        raise ProblemsError(f"{path} is not a valid qrels file:", sorted(problems, key=_line))
    return frame.astype({"grade": np.int64})


def _split(path: Path, width: int, columns: str) -> tuple[list[list[str]], list[str], list[Problem]]:
    """Rows of `width` fields with their places (`file:line`), and the lines that have another number of fields."""
    rows, places, problems = [], [], []
    for number, raw in enumerate(_bytes(path).removeprefix(_BOM).split(b"\n"), 1):
        # ASCII white space alone separates, as in trec_eval: an id may hold a no-break space.
        fields = raw.split()
        if not fields:
            continue
        try:
            row = [field.decode("utf-8") for field in fields]
        except UnicodeDecodeError:
            problems.append(Problem(f"{path}:{number}", "is not UTF-8 text"))
            continue
        if len(row) == width:
            rows.append(row)
            places.append(f"{path}:{number}")
        else:
            problems.append(Problem(f"{path}:{number}", f"has {len(row)} columns; expected {width}: {columns}"))
    return rows, places, problems


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FieldguideError(f"{path}: no such file") from None
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise FieldguideError(f"{path}: damaged gzip file ({error})") from None


def _numbers(texts: Sequence[str], kind: type, name: str, places: list[str]) -> tuple[list[Any], list[Problem]]:
    """Texts as numbers; one that is none becomes 0 and a problem, so that the other checks can go on."""
    values, problems = [], []
    for text, place in zip(texts, places, strict=True):
        try:
            if "_" in text:  # Python reads 1_0 as 10, nobody else does
                raise ValueError
            values.append(kind(text))
        except ValueError:
            allowed = "a whole number" if kind is int else "a finite number"
            problems.append(Problem(place, f"{name} is {text!r}; expected {allowed}"))
            values.append(kind())
    return values, problems


def _run_problems(frame: pd.DataFrame, places: list[str]) -> list[Problem]:
    with np.errstate(over="ignore"):
        single = frame["score"].to_numpy(dtype=np.float64).astype(np.float32)
    problems = [
        Problem(places[row], f"score is {frame['score'].iloc[row]}; expected a finite number (single precision)")
        for row in np.flatnonzero(~np.isfinite(single))
    ]
    problems += _duplicates(frame, places)
    systems = frame["system"].to_numpy(dtype=object)
    others = [row for row in range(len(systems)) if systems[row] != systems[0]]
    if others:
        what = f"system is {systems[others[0]]!r} and {systems[0]!r} before it; a run has one"
        problems.append(Problem(places[others[0]], f"{what} ({len(others)} such lines)"))
    return problems


def _duplicates(frame: pd.DataFrame, places: list[str]) -> list[Problem]:
    twice = frame.duplicated(["subtopic_id", "image_id"]).to_numpy()
    return [
        Problem(places[row], f"image {frame['image_id'].iloc[row]} occurs twice for {frame['subtopic_id'].iloc[row]}")
        for row in np.flatnonzero(twice)
    ]


def _name_problems(frame: pd.DataFrame, places: list[str], columns: Sequence[str]) -> list[Problem]:
    return [
        Problem(places[row], f"{column} is {name!r}; it must not be empty or hold white space")
        for column in columns
        for row, name in enumerate(frame[column])
        if len(name.split()) != 1 or name.strip() != name
    ]


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by subtopic_id and the rule of `ranking`, with their ranks. Keeps the index."""
    frame = frame.assign(score=frame["score"].to_numpy(dtype=np.float32).astype(np.float64))
    best_first = frame.iloc[ranking(frame["score"], frame["image_id"].to_numpy(dtype=str))]
    frame = best_first.sort_values("subtopic_id", kind="stable")
    return frame.assign(rank=frame.groupby("subtopic_id", sort=False).cumcount().to_numpy(dtype=np.int64) + 1)


def _line(problem: Problem) -> int:
    """Line number of a problem whose place ends in `:line`."""
    return int(problem.where.rsplit(":", 1)[1])
