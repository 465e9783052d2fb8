"""The record of a build that is committed beside dvc.lock, so that a build elsewhere can be held against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_directory, read_json, write_json
from fieldguide.core.grouping import grouped
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.publishing.release.layout import run_file
from fieldguide.runtime.rebuilding.conclusions import BoardStanding, Conclusions, read_conclusions
from fieldguide.runtime.rebuilding.environment import Environment, kept_environment
from fieldguide.runtime.rebuilding.samples import RANKINGS, SAMPLES, take_rankings, take_samples

FOLDER = "data/published"
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
    alike = grouped((canonical(environment), stage) for stage, environment in record.environments.items())
    environments = [{"stages": of, "environment": vars(record.environments[of[0]])} for of in alike.values()]
    about = {"schema_version": _VERSION, **asdict(record.conclusions), "environments": environments}
    with atomic_directory(folder) as made:
        write_json(made / _BUILD, about)
        RANKINGS.write(made / _RANKINGS, record.rankings)
        SAMPLES.write(made / _SAMPLES, record.samples)


def canonical(environment: Environment) -> str:
    """The same text for the same environment."""
    return repr(sorted((name, str(value)) for name, value in vars(environment).items()))


def read_record(folder: Path) -> BuildRecord:
    """Read what `write_record` wrote.

    Raises:
        FieldguideError: a file is missing, damaged or of another version.
    """
    path = folder / _BUILD
    about = read_json(path)
    version = about.get("schema_version") if isinstance(about, dict) else None
    if version != _VERSION:
        raise FieldguideError(f"{path}: is of version {version}, expected {_VERSION}; `fieldguide reproduce --record`")
    try:
        conclusions, environments = _conclusions(about), _environments(about["environments"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        words = f"{type(error).__name__} {error}"
        raise FieldguideError(f"{path}: is no record of a build ({words}); `fieldguide reproduce --record`") from None
    return BuildRecord(conclusions, RANKINGS.read(folder / _RANKINGS), SAMPLES.read(folder / _SAMPLES), environments)


def _conclusions(about: Mapping[str, Any]) -> Conclusions:
    names = {field.name for field in fields(BoardStanding)}
    standings = [BoardStanding(**{name: row[name] for name in names}) for row in about["standings"]]
    if not all(isinstance(row.mean, int | float) for row in standings):
        raise ValueError("a mean is no number")
    return Conclusions(str(about["measure"]), tuple(standings), {str(k): int(v) for k, v in about["findings"].items()})


def _environments(rows: list[dict[str, Any]]) -> dict[str, Environment]:
    return {str(stage): Environment.read(row["environment"]) for row in rows for stage in row["stages"]}
