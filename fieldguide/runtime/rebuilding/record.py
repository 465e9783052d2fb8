"""The record of a build that is committed beside dvc.lock, so that a build elsewhere can be held against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import atomic_directory, canonical_json, read_json, write_json
from fieldguide.core.grouping import grouped
from fieldguide.core.paths import Paths
from fieldguide.core.section import problems_of
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.publishing.release.layout import run_file
from fieldguide.runtime.rebuilding.conclusions import BoardStanding, Conclusions, read_conclusions
from fieldguide.runtime.rebuilding.environment import Environment, kept_environment
from fieldguide.runtime.rebuilding.samples import RANKINGS, SAMPLES, take_rankings, take_samples

FOLDER = "data/recorded"
FILES = ("build.json", "rankings.parquet", "samples.parquet")
_BUILD, _RANKINGS, _SAMPLES = FILES
_VERSION = 1


@dataclass(frozen=True)
class BuildRecord:
    """What a build concluded, some of its numbers, and what each stage ran on.

    Attributes:
        conclusions: from leaderboard.json and fitness.json.
        rankings: RANKINGS.
        samples: SAMPLES; none of a release, which need not hold vectors.
        environments: by stage, of those that ran here; none of a release, whose bytes they would change.
    """

    conclusions: Conclusions
    rankings: pd.DataFrame
    samples: pd.DataFrame
    environments: Mapping[str, Environment]


def record_of_build(paths: Paths, params: Params, stages: Iterable[str]) -> BuildRecord:
    """Of what is built.

    Raises:
        ProblemsError: files are missing; all are listed.
    """
    benchmark = Benchmark(paths, params)
    runs = {system: paths.run("fullrank", system) for system in benchmark.systems}
    benchmark.require("the comparison", [*runs.values(), paths.evaluation / "leaderboard.json", paths.fitness])
    return BuildRecord(
        read_conclusions(benchmark.leaderboard, benchmark.fitness, params.evaluate.headline),
        take_rankings(runs),
        take_samples(paths, params.embed.encoders),
        {stage: kept for stage in stages if (kept := kept_environment(paths, stage)) is not None},
    )


def record_of_release(state: ReleaseState) -> BuildRecord:
    """Of a release: no samples, no environments.

    Raises:
        FieldguideError: a file of it is missing or damaged.
    """
    fitness = read_json(state.folder / "fitness.json")
    return BuildRecord(
        read_conclusions(state.leaderboard, fitness, state.params.evaluate.headline),
        take_rankings({system: state.folder / run_file("fullrank", system) for system in state.systems}),
        SAMPLES.frame([]),
        {},
    )


def write_record(record: BuildRecord, folder: Path) -> None:
    """Write `FILES` as `folder`, whole or not at all."""
    alike = grouped((canonical_json(vars(environment)), stage) for stage, environment in record.environments.items())
    environments = [{"stages": of, "environment": vars(record.environments[of[0]])} for of in alike.values()]
    about = {"schema_version": _VERSION, **asdict(record.conclusions), "environments": environments}
    with atomic_directory(folder) as made:
        write_json(made / _BUILD, about)
        RANKINGS.write(made / _RANKINGS, record.rankings)
        SAMPLES.write(made / _SAMPLES, record.samples)


def read_record(folder: Path) -> BuildRecord:
    """Read what `write_record` wrote.

    Raises:
        FieldguideError: a file is missing, damaged or of another version.
        ProblemsError: all fields of build.json that are not such as they must be.
    """
    path = folder / _BUILD
    about = read_json(path)
    version = about.get("schema_version") if isinstance(about, dict) else None
    if version != _VERSION:
        raise FieldguideError(
            f"{path}: is of version {version!r}, expected {_VERSION!r}; `fieldguide reproduce --record`"
        )
    try:
        found = _BuildFile.model_validate(about)
    except ValidationError as error:
        raise ProblemsError(f"{path} is no record of a build:", problems_of(error, str(path))) from None
    return BuildRecord(
        Conclusions(found.measure, tuple(BoardStanding(**vars(row)) for row in found.standings), found.findings),
        RANKINGS.read(folder / _RANKINGS),
        SAMPLES.read(folder / _SAMPLES),
        {stage: Environment.read(vars(row.environment)) for row in found.environments for stage in row.stages},
    )


# A record comes from another machine: every field is looked at before it is compared or shown.
_Line = Annotated[str, Field(max_length=400, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _StandingRow(_Strict):
    track: _Line
    kind: _Line
    system: _Line
    mean: Annotated[float, Field(ge=-1e9, le=1e9)]
    group: _Line | None


class _EnvironmentRow(_Strict):
    processor: _Line
    instructions: list[_Line]
    threads: dict[_Line, _Line]
    platform: _Line
    python: _Line
    libraries: dict[_Line, _Line]


class _EnvironmentOf(_Strict):
    stages: list[_Line]
    environment: _EnvironmentRow


class _BuildFile(_Strict):
    schema_version: int
    measure: _Line
    standings: Annotated[list[_StandingRow], Field(min_length=1)]
    findings: dict[_Line, int]
    environments: list[_EnvironmentOf]
