"""A judged benchmark as one object: its corpus, topics, pools, judgments and runs, for those who read them together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.records.images import DUPLICATES, IMAGES
from fieldguide.records.judgments import AGREEMENT_VERSION, POOLS, QRELS, complete
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.topics import Subtopic, Topic, read_topics


class JudgedBenchmark:
    """What the stages up to `rerank` made, each file read and validated when it is first asked for."""

    def __init__(self, paths: Paths, systems: Sequence[str]) -> None:
        self.paths = paths
        self.systems = tuple(systems)

    @cached_property
    def images(self) -> pd.DataFrame:
        """IMAGES, indexed by image_id."""
        return IMAGES.read(self.paths.images).set_index("image_id", drop=False)

    @cached_property
    def duplicates(self) -> pd.DataFrame:
        """DUPLICATES."""
        return DUPLICATES.read(self.paths.duplicates)

    @cached_property
    def pools(self) -> pd.DataFrame:
        """POOLS."""
        return POOLS.read(self.paths.pools)

    @cached_property
    def qrels(self) -> pd.DataFrame:
        """QRELS."""
        return QRELS.read(self.paths.qrels / "qrels.parquet")

    @cached_property
    def complete(self) -> bool:
        """Whether the whole gallery was judged: an image without a grade is not relevant then."""
        return complete(self.paths.qrels / "grades.json")

    @cached_property
    def topics(self) -> list[Topic]:
        """Topics in the order of their file."""
        return read_topics(self.paths.topics)

    @cached_property
    def subtopics(self) -> dict[str, Subtopic]:
        """Every subtopic by its id, in the topics' order."""
        return {s.subtopic_id: s for topic in self.topics for s in topic.subtopics}

    @cached_property
    def runs(self) -> dict[tuple[str, str], pd.DataFrame]:
        """The run of each (track, system), best first within a subtopic."""
        return {(t, s): read_run(self.paths.run(t, s)) for t in TRACKS for s in self.systems}

    @cached_property
    def agreement(self) -> dict[str, Any] | None:
        """agreement.json, which stage `adjudicate` writes where people judged: how far they agree.

        Raises:
            FieldguideError: the file is of another version.
        """
        path = self.paths.qrels / "agreement.json"
        if not path.exists():
            return None
        return read_versioned(path, AGREEMENT_VERSION, dict[str, Any], "adjudicate")


def read_versioned(path: Path, version: int, shape: Any, stage: str | None = None) -> dict[str, Any]:
    """A JSON object of that version and shape; `stage`, which makes it, is called like the file where it is not named.

    Raises:
        FieldguideError: the file is missing, of another version, or damaged.
    """
    values = read_json(path)
    found = values.get("schema_version") if isinstance(values, dict) else None
    if found != version:
        raise FieldguideError(
            f"{path}: is of version {found}, expected {version}; `dvc repro -f {stage or path.stem}` makes it anew"
        )
    return dict(shaped(values, path, shape, stage or path.stem))


def shaped(values: Any, path: Path, shape: Any, stage: str) -> Any:
    """The values of a JSON file, as they are, if they are such as `shape`, a type, says.

    Raises:
        FieldguideError: they are not; names the first place.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(shape).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise FieldguideError(f"{path}: {place}: {first['msg']}; `dvc repro -f {stage}` makes it anew") from None
    return values
