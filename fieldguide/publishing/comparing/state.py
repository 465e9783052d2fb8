"""A state of a benchmark, as its release holds it: what two states are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json, read_jsonl, read_text
from fieldguide.evaluation.judged import shaped
from fieldguide.evaluation.leaderboard.rows import LeaderboardRow
from fieldguide.params import Params, read_params
from fieldguide.publishing.release.layout import (
    ABOUT,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    SUMS,
    TABLES,
    listed_sums,
    run_file,
)
from fieldguide.publishing.release.verify import wrong_sums
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.topics import Topic, read_topics


class ReleaseState:
    """A release folder, each file read when it is first asked for."""

    def __init__(self, folder: Path, called: str | None = None) -> None:
        """Read what the release says of itself; `called` is how whoever asked named it.

        Raises:
            FieldguideError: `folder` is no release, or one of a version that this code does not read.
        """
        self.folder, self.called = folder, called or str(folder)
        about = read_json(folder / ABOUT)
        found = (about.get("format"), about.get("format_version")) if isinstance(about, dict) else (None, None)
        if found != (FORMAT, FORMAT_VERSION):
            wanted = f"{FORMAT!r} version {FORMAT_VERSION}"
            raise FieldguideError(f"{folder / ABOUT}: is {found[0]!r} version {found[1]!r}; expected {wanted}")
        self.about: Mapping[str, Any] = about

    def require_whole(self) -> None:
        """Refuse a release of which files were changed since it was made, or are missing.

        Raises:
            ProblemsError: all that its SHA256SUMS does not fit.
        """
        problems = wrong_sums(self.folder)
        if problems:
            raise ProblemsError(f"{self.called} is damaged; `fieldguide release verify` says more:", problems)

    @property
    def version(self) -> str:
        """As release.json states it."""
        return str(self.about.get("version"))

    @cached_property
    def sums(self) -> dict[str, str]:
        """Sums by file name, as SHA256SUMS lists them."""
        return listed_sums(read_text(self.folder / SUMS))

    @cached_property
    def params(self) -> Params:
        """All parameters, defaults written out."""
        return read_params(self.folder / "params.yaml")

    @cached_property
    def topics(self) -> dict[str, Topic]:
        """Topics by id, in the order of the file."""
        return {topic.topic_id: topic for topic in read_topics(self.folder / "topics.jsonl")}

    @cached_property
    def queries(self) -> dict[str, dict[str, Any]]:
        """Lines of queries.jsonl by subtopic_id."""
        return {str(line["_id"]): line for _, line in read_jsonl(self.folder / "queries.jsonl") if "_id" in line}

    @cached_property
    def images(self) -> pd.DataFrame:
        """RELEASE_IMAGES, indexed by image_id."""
        return self.table(MANIFEST).set_index("image_id", drop=False)

    @cached_property
    def qrels(self) -> pd.DataFrame:
        """QRELS."""
        return self.table("qrels/qrels.parquet")

    @cached_property
    def grades(self) -> dict[tuple[str, str], int]:
        """Grade by (subtopic_id, image_id)."""
        columns = (self.qrels[name] for name in ("subtopic_id", "image_id", "grade"))
        return {(str(s), str(i)): int(g) for s, i, g in zip(*columns, strict=True)}

    @cached_property
    def leaderboard(self) -> list[dict[str, Any]]:
        """Rows of leaderboard.json."""
        path = self.folder / "leaderboard.json"
        return list(shaped(read_json(path), path, list[LeaderboardRow], "evaluate"))

    @cached_property
    def comparisons(self) -> list[dict[str, Any]]:
        """Rows of comparisons.json."""
        return _rows(self.folder / "comparisons.json")

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """Systems with runs, as release.json lists them."""
        names = self.about.get("systems", ())
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise FieldguideError(f"{self.folder / ABOUT}: `systems` is no list of names")
        return tuple(names)

    @cached_property
    def runs(self) -> dict[tuple[str, str], pd.DataFrame]:
        """The run of each (track, system)."""
        return {(t, s): read_run(self.folder / run_file(t, s)) for t in TRACKS for s in self.systems}

    def table(self, name: str) -> pd.DataFrame:
        """A table of the release by its file name."""
        return TABLES[name].read(self.folder / name)


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FieldguideError(f"{path}: is not a list of rows")
    return rows
