"""Runs and qrels in TREC's text formats, and the one rule by which a run is ordered.

trec_eval keeps scores in single precision, ranks by falling score, breaks ties by falling document id
(`strcmp`) and ignores the rank column. So do we: scores are rounded to float32 before they are
compared, and files hold the shortest digits that give that float32 back. What a reader sees in
the file is then what every measure is computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.files import atomic_open
from fieldguide.records.trec import MOST, Layout, read_columns

SEARCH_VERSION = 1
"""Of data/runs/search/SYSTEM.json, which fieldguide/retrieval/systems/searching.py writes and the report reads."""

TRACKS = ("fullrank", "rerank")
"""What systems rank: the whole gallery, or each subtopic's own pool."""
RUN_COLUMNS = ("subtopic_id", "image_id", "rank", "score", "system")
QREL_COLUMNS = ("subtopic_id", "image_id", "grade")

_RUN = Layout(
    "valid run",
    ("subtopic_id", "Q0", "image_id", "rank", "score", "system"),
    ("subtopic_id", "image_id", "rank", "system"),
    "score",
    whole=False,
    trailing=True,
)
_QRELS = Layout(
    "valid qrels file",
    ("subtopic_id", "0", "image_id", "grade"),
    ("subtopic_id", "0", "image_id"),
    "grade",
    whole=True,
)


@dataclass(frozen=True)
class RunLine:
    """One line of a run: TREC's six columns less the constant."""

    subtopic_id: str
    image_id: str
    rank: int
    score: float
    system: str


@dataclass(frozen=True)
class IndexRecall:
    """How well an index serves a system (of data/runs/search/SYSTEM.json).

    Attributes:
        kind: of the index.
        depth, recall: recall@depth, 0..1, of the index's shortlists beside exact search.
        shortlist: so many images a query.
        images: in the gallery.
        queries: over how many it was measured.
    """

    kind: str
    depth: int
    shortlist: int
    images: int
    queries: int
    recall: float

    def __str__(self) -> str:
        return (
            f"{self.kind} index: recall@{self.depth} {self.recall:.4f} of exact search over {self.queries} queries, "
            f"shortlists of {self.shortlist} of {self.images} images"
        )


def ranking(scores: npt.ArrayLike, image_ids: Sequence[str] | npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Indices that order one subtopic's images: falling float32 score, equal scores by falling image_id.

    Args:
        scores: (n,) real numbers; greater is better.
        image_ids: (n,) strings, or integers that sort as the ids do (rows of a gallery sorted by image_id).

    Returns:
        (n,) permutation, best first.
    """
    ids, single = np.asarray(image_ids), np.asarray(scores, dtype=np.float32)
    if ids.dtype.kind in "iu" and len(ids) < 1 << 32 and bool((np.diff(ids) > 0).all()):
        return _by_score_and_place(single)
    order: npt.NDArray[np.intp] = np.lexsort((ids, single))
    return order[::-1]


def _by_score_and_place(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """As `ranking`, equal scores by falling place: one sort of numbers that hold both takes a fifth of the time."""
    bits = (scores + np.float32(0)).view(np.uint32)  # the sum makes -0 of +0's bits
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    keys = np.sort(rising << np.uint64(32) | np.arange(len(scores), dtype=np.uint64))[::-1]
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.intp)


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

    def place(row: int) -> str:
        return f"{path} ({frame['subtopic_id'].iloc[row]} {frame['image_id'].iloc[row]})"

    problems = _name_problems(frame, place, ("subtopic_id", "image_id", "system"))
    problems += _run_problems(frame, place)
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
    subtopics, images, ranks, systems = (frame[name].tolist() for name in ("subtopic_id", "image_id", "rank", "system"))
    rows = zip(subtopics, images, ranks, digits, systems, strict=True)
    with atomic_open(path) as stream:
        stream.writelines(f"{s} Q0 {i} {r} {d} {n}\n" for s, i, r, d, n in rows)


def read_run(path: Path) -> pd.DataFrame:
    """As `read_run_with_notes`, without the notes."""
    return read_run_with_notes(path)[0]


def read_run_with_notes(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a run, gzipped or not, with LF or CRLF, with or without a byte-order mark, comments and trailing text.

    Returns:
        A frame with the fields of `RunLine`: ordered by subtopic_id and rank. Ranks are those of the
        scores, as trec_eval takes them; the file's rank column is ignored. Ids and system are pandas
        categoricals with sorted categories: ten million lines take some 300 MB. And what is odd about its scores, a
        sentence each.

    Raises:
        FieldguideError: no such file, damaged gzip, UTF-16.
        ProblemsError: every line (of the first thousand) with a wrong number of columns, a score that is no finite
            number, an image that its subtopic already has, or another system name than the first line's.
    """
    read = read_columns(path, _RUN)
    columns = {"subtopic_id": read.texts["subtopic_id"], "image_id": read.texts["image_id"], "rank": 0}
    frame = pd.DataFrame({**columns, "score": read.number, "system": read.texts["system"]})
    problems = read.problems + _run_problems(frame, read.place)
    if problems:
        raise ProblemsError(f"{path} is not a valid run:", sorted(problems, key=_line))
    notes = list(_score_notes(frame, read.texts["rank"]))
    return _ordered(frame).reset_index(drop=True), notes


def _score_notes(frame: pd.DataFrame, ranks: pd.Categorical) -> Iterator[str]:
    """Whether the order that counts, that of the scores, is the one that the file's ranks tell."""
    subtopics = frame["subtopic_id"].cat.codes.to_numpy()
    scores = frame["score"].to_numpy(dtype=np.float32)
    count = len(frame["subtopic_id"].cat.categories)
    values = pd.to_numeric(pd.Series(ranks.categories), errors="coerce").to_numpy(dtype=np.float64)
    told = values[ranks.codes] if len(frame) else np.empty(0)
    order = np.lexsort((told, subtopics))
    same = np.diff(subtopics[order]) == 0
    against = same & (np.diff(told[order]) > 0) & (np.diff(scores[order]) > 0)
    wrong = len(np.unique(subtopics[order][1:][against]))
    if wrong:
        yield (
            f"in {wrong} of {count} subtopics the scores contradict the ranks; the greatest score is taken as the best "
            "and ranks are ignored, as trec_eval does: are the scores distances?"
        )
    sizes = np.bincount(subtopics, minlength=count)
    varied = np.unique(subtopics[order][1:][same & (np.diff(scores[order]) != 0)])
    equal = int((sizes > 1).sum()) - len(varied)
    if equal:
        yield (
            f"in {equal} of {count} subtopics all scores are equal; the order is that of falling image ids, as "
            "trec_eval breaks ties, and not that of the ranks"
        )


def write_qrels_trec(path: Path, qrels: pd.DataFrame) -> None:
    """Write the columns subtopic_id, image_id, grade as `subtopic_id 0 image_id grade`, sorted, atomically."""
    rows = qrels.sort_values(["subtopic_id", "image_id"])
    columns = (rows["subtopic_id"], rows["image_id"], rows["grade"])
    with atomic_open(path) as stream:
        stream.writelines(f"{s} 0 {i} {g}\n" for s, i, g in zip(*columns, strict=True))


def read_qrels_trec(path: Path) -> pd.DataFrame:
    """Read `subtopic_id 0 image_id grade` lines; as tolerant as `read_run`.

    The second column is ignored, unless a topic judges one image in several of its values: then it numbers the
    topic's subtopics, as in TREC's diversity qrels, and each is a subtopic here (`101.e1` for the first of topic 101).

    Returns:
        A frame with subtopic_id, image_id (categoricals) and grade (int64), in the order of the file.

    Raises:
        FieldguideError: no such file, damaged gzip, UTF-16.
        ProblemsError: every line with a wrong number of columns, a grade that is no whole number, or a
            pair that was graded before.
    """
    read = read_columns(path, _QRELS)
    frame = _by_subtopics(pd.DataFrame({**read.texts, "grade": read.number}))
    problems = read.problems + _duplicates(frame, read.place)
    if problems:
        raise ProblemsError(f"{path} is not a valid qrels file:", sorted(problems, key=_line))
    return frame


def _by_subtopics(frame: pd.DataFrame) -> pd.DataFrame:
    """Qrels without their second column; where that tells subtopics apart, with the ids of subtopics."""
    pairs = frame.duplicated(["subtopic_id", "image_id"]).any()
    plain = frame[list(QREL_COLUMNS)]
    if not pairs or frame.duplicated(["subtopic_id", "0", "image_id"]).any():
        return plain
    numbers = frame.groupby("subtopic_id", observed=True)["0"].transform(lambda values: pd.factorize(values)[0] + 1)
    names = frame["subtopic_id"].astype(str) + ".e" + numbers.astype(int).astype(str)
    return plain.assign(subtopic_id=pd.Categorical(names))


def _run_problems(frame: pd.DataFrame, place: Callable[[int], str]) -> list[Problem]:
    scores = frame["score"].to_numpy(dtype=np.float64)
    with np.errstate(over="ignore"):
        wrong = np.flatnonzero(~np.isfinite(scores.astype(np.float32)))
    problems = [
        Problem(place(row), f"score is {scores[row]}; expected a finite number (single precision)")
        for row in wrong[:MOST].tolist()
    ]
    problems += _duplicates(frame, place)
    systems = frame["system"].astype("category").cat
    others = np.flatnonzero(systems.codes != systems.codes.iloc[0]) if len(frame) else np.empty(0, dtype=np.intp)
    if len(others):
        found, first = frame["system"].iloc[others[0]], frame["system"].iloc[0]
        what = f"system is {found!r} and {first!r} before it; a run has one ({len(others)} such lines)"
        problems.append(Problem(place(int(others[0])), what))
    return problems


def _duplicates(frame: pd.DataFrame, place: Callable[[int], str]) -> list[Problem]:
    subtopics, images = frame["subtopic_id"].astype("category").cat, frame["image_id"].astype("category").cat
    pairs = subtopics.codes.to_numpy(dtype=np.int64) * len(images.categories) + images.codes.to_numpy()
    ordered = np.sort(pairs)
    if not (ordered[1:] == ordered[:-1]).any():
        return []
    return [
        Problem(place(row), f"image {frame['image_id'].iloc[row]} occurs twice for {frame['subtopic_id'].iloc[row]}")
        for row in np.flatnonzero(pd.Series(pairs).duplicated().to_numpy())[:MOST].tolist()
    ]


def _name_problems(frame: pd.DataFrame, place: Callable[[int], str], columns: Sequence[str]) -> list[Problem]:
    def is_wrong(column: str, name: str) -> bool:
        return len(name.split()) != 1 or name.strip() != name or (column == "subtopic_id" and name.startswith("#"))

    wrong = {column: [n for n in frame[column].unique() if is_wrong(column, n)] for column in columns}
    return [
        Problem(place(row), f"{column} is {name!r}; it must not be empty, hold white space or begin a line with #")
        for column, names in wrong.items()
        if names
        for row, name in enumerate(frame[column])
        if name in names
    ]


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by subtopic_id and the rule of `ranking`, with their ranks. Keeps the index."""
    single = frame["score"].to_numpy(dtype=np.float32)
    # Categories are sorted, so their codes sort as the ids do, and much faster.
    subtopics = frame["subtopic_id"].astype("category").cat.codes.to_numpy()
    images = frame["image_id"].astype("category").cat.codes.to_numpy()
    if not _in_order(subtopics, single, images):
        order = np.lexsort((-images, -single, subtopics))
        frame, single, subtopics = frame.iloc[order], single[order], subtopics[order]
    starts = np.flatnonzero(np.diff(subtopics, prepend=-1))
    ranks = np.arange(1, len(single) + 1) - np.repeat(starts, np.diff(starts, append=len(single)))
    # The file's last bits go: what is kept is what is compared.
    ordered: pd.DataFrame = frame.assign(score=single.astype(np.float64), rank=ranks.astype(np.int64))
    return ordered


def _in_order(subtopics: npt.NDArray[Any], scores: npt.NDArray[Any], images: npt.NDArray[Any]) -> bool:
    """No pair of neighbours is to be exchanged: so it is with runs that we wrote, and most others."""
    later, same = subtopics[1:] > subtopics[:-1], subtopics[1:] == subtopics[:-1]
    lower, equal = scores[1:] < scores[:-1], scores[1:] == scores[:-1]
    return bool((later | (same & (lower | (equal & (images[1:] < images[:-1]))))).all())


def _line(problem: Problem) -> int:
    """Line number of a problem whose place ends in `:line`."""
    return int(problem.where.rsplit(":", 1)[1])
