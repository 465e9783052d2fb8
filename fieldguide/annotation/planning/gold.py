"""Gold: images whose grade is known beforehand, asked of everybody to see who judges with care."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import csv_text

COLUMNS = ("subtopic_id", "image_id", "grade")


def read_gold(path: Path, guideline: Guideline) -> dict[Pair, int]:
    """Known grades by pair, in the order of their CSV file; at least one.

    Args:
        path: UTF-8, with a head: subtopic_id, image_id, grade.
        guideline: whose grades are allowed.

    Raises:
        FieldguideError: no such file, not UTF-8, or not these columns.
        ProblemsError: rows that do not fit, all of them, by line.
    """
    gold = {pair: grade for pair, (grade, _) in read_known(path, guideline).items()}
    if not gold:
        raise FieldguideError(f"{path}: holds no gold; add rows, or set annotate.gold_share to 0")
    return gold


def read_known(path: Path, guideline: Guideline, *, why: bool = False) -> dict[Pair, tuple[int, str]]:
    """Known grades by pair, in the order of their CSV file, each with the words of a fourth column `why`, or none.

    Raises:
        FieldguideError: no such file, not UTF-8, or not these columns.
        ProblemsError: rows that do not fit, all of them, by line.
    """
    columns, what = ((*COLUMNS, "why"), "training") if why else (COLUMNS, "gold")
    known: dict[Pair, tuple[int, str]] = {}
    problems = []
    seen: dict[Pair, int] = {}
    for number, cells in _lines(path, columns, what):
        where = f"{path}:{number}"
        if len(cells) != len(columns) or not all(cells):
            problems.append(Problem(where, f"must have {', '.join(columns)}; found {','.join(cells)}"))
            continue
        subtopic, image, grade = cells[:3]
        if grade in map(str, guideline.grades):
            known[subtopic, image] = int(grade), cells[3] if why else ""
        else:
            allowed = ", ".join(map(str, sorted(guideline.grades)))
            problems.append(Problem(where, f"grade {grade!r} is not in {guideline.version}; allowed: {allowed}"))
        first = seen.setdefault((subtopic, image), number)
        if first != number:
            problems.append(Problem(where, f"{image} for {subtopic} is in line {first} already"))
    if problems:
        raise ProblemsError(f"{path}: not valid {what}:", problems)
    return known


def unknown_gold(gold: Collection[Pair], subtopics: Collection[str], images: Iterable[str]) -> list[str]:
    """A note on the rows that nobody is asked, since their subtopic or their image is not there (any more)."""
    known = set(images)
    lost = [f"{image} for {s}" for s, image in gold if s not in subtopics or image not in known]
    if not lost:
        return []
    some = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
    return [
        f"{len(lost)} of {len(gold)} rows are of no subtopic of the topics or no image of the corpus and are asked of "
        f"nobody: {some}"
    ]


def _lines(path: Path, columns: Sequence[str], what: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells, stripped, of every line that is not blank, below the head."""
    if not path.exists():
        raise FieldguideError(f"{path}: no such file; annotate.{what} in params.yaml names it")
    reader = csv.reader(csv_text(path))
    try:
        head = [cell.strip() for cell in next(reader, [])]
        if head != list(columns):
            raise FieldguideError(f"{path}:1: must be {','.join(columns)}; found {','.join(head) or 'nothing'}")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise FieldguideError(f"{path}:{reader.line_num}: not valid CSV ({error})") from None
