"""The figures of a release's README.md, counts and table of results, and those of its datasheet, held against files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fieldguide.core.errors import Problem
from fieldguide.publishing.release.layout import CARD, DATASHEET, meanings

# As templates/README.md.j2 writes them.
_COUNTS = {
    "topics": "topics",
    "subtopics (queries)": "subtopics",
    "entities": "entities",
    "images in the manifest": "images",
    "of which with their bytes here": "photographs",
    "pooled pairs of subtopic and image": "pooled",
    "graded pairs": "qrels",
    "of which relevant": "relevant",
    "runs": "runs",
}
_FILE = re.compile(r"\| `([^`|]+)` \| .* \|")
_COUNT = re.compile(r"\| ([^|]+) \| ([0-9,]+) \|")
_RESULT = re.compile(r"\| ([a-z0-9_-]+) \| .* \| ([0-9.]+) \| ([0-9.]+) to ([0-9.]+) \| (\w*) \|")
_MEASURE = re.compile(r"\| system \| what it does \| seen \| (\S+) \| interval \| ties \|")


def wrong_card(
    folder: Path, counts: Mapping[str, int], leaderboard: Any, names: Iterable[str] = ()
) -> Iterator[Problem]:
    """Counts of card and datasheet, files and results of the card that are not those there are. No prose is read.

    Args:
        names: of all files of the release; none: they are not looked at.
    """
    path = folder / CARD
    lines = _lines(path)
    yield from _wrong_files(path, lines, names)
    yield from _wrong_counts(path, lines, counts)
    yield from _wrong_counts(folder / DATASHEET, _lines(folder / DATASHEET), counts)
    measure = next((match[1] for line in lines if (match := _MEASURE.fullmatch(line))), None)
    results = {match[1]: match.groups()[1:] for line in lines if (match := _RESULT.fullmatch(line))}
    yield from _wrong_results(path, results, _boards(leaderboard, measure))


def _wrong_files(path: Path, lines: list[str], names: Iterable[str]) -> Iterator[Problem]:
    """Files that the card promises or passes over, up to the heading after its list of them."""
    names = list(names)
    if not names:
        return
    start = next((number for number, line in enumerate(lines) if line == "## Files"), len(lines))
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("## ")), len(lines))
    said = {match[1] for line in lines[start:end] if (match := _FILE.fullmatch(line))}
    for name in sorted(said ^ set(meanings(names))):
        what = "is listed and not there" if name in said else "is there and not listed"
        yield Problem(str(path), f"Files: {name} {what}")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _wrong_counts(path: Path, lines: list[str], counts: Mapping[str, int]) -> Iterator[Problem]:
    stated = {match[1]: match[2] for line in lines if (match := _COUNT.fullmatch(line)) and match[1] in _COUNTS}
    for words, name in _COUNTS.items():
        if stated.get(words, "") != f"{counts[name]:,}":
            yield Problem(str(path), f"{words}: says {stated.get(words, 'nothing')}; the files hold {counts[name]:,}")


def _boards(leaderboard: Any, measure: str | None) -> list[dict[str, tuple[str, ...]]]:
    """Of every board, each system's row as the card shows it."""
    boards: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for row in leaderboard:
        if row["measure"] == measure:
            shown = *(f"{row[name]:.3f}" for name in ("mean", "low", "high")), row["group"] or ""
            boards.setdefault((row["track"], row["kind"]), {})[row["system"]] = shown
    return list(boards.values())


def _wrong_results(
    path: Path, results: Mapping[str, tuple[str, ...]], boards: list[dict[str, tuple[str, ...]]]
) -> Iterator[Problem]:
    """Against the board that the table is of: the one with the fewest differences."""

    def differing(board: Mapping[str, tuple[str, ...]]) -> list[str]:
        return sorted(name for name in results.keys() | board.keys() if results.get(name) != board.get(name))

    if not boards:
        return
    board = min(boards, key=lambda board: len(differing(board)))
    for system in differing(board):
        said, found = (" ".join(rows.get(system, ("nothing",))) for rows in (results, board))
        yield Problem(str(path), f"result of {system}: says {said}; leaderboard.json gives {found}")
