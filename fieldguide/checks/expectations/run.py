"""Run the suites with Great Expectations and report what failed, row by row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from fieldguide.checks.expectations.content import suites
from fieldguide.checks.expectations.generated import generated_suites
from fieldguide.checks.expectations.quality import photograph_suites
from fieldguide.checks.expectations.section import Check
from fieldguide.checks.expectations.suites import Suite
from fieldguide.checks.expectations.tables import Tables
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import write_json
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent

ROWS = 20


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation. `rows` holds the keys of at most 20 of the `unexpected` rows."""

    table: str
    expectation: str
    severity: str
    success: bool
    unexpected: int
    rows: tuple[str, ...]


def check(
    section: Check, drawings: int, people: bool, systems: Sequence[str], paths: Paths, track: Track = silent
) -> list[Outcome]:
    """Check every table and photograph.

    Args:
        section: what is allowed.
        drawings: of each phrase.
        people: whether people judged, and not the labels of a data set.
        systems: whose runs are looked at.
        paths: where the benchmark lies.
        track: shows how far the looking at photographs is.

    Raises:
        FieldguideError: a file is missing or unreadable.
        ProblemsError: a table is not as it is declared.
    """
    tables = Tables(paths, tuple(systems))
    images, drawn = tables.parquet["images"], tables.parquet["drawings"]
    asked = chain(
        suites(tables, section, drawings, people),
        generated_suites(images, drawn, paths, track),
        photograph_suites(images, paths, track),
    )
    return list(run_suites(asked))


def write_checks(paths: Paths, outcomes: Iterable[Outcome]) -> None:
    """Write checks.json and, for `dvc metrics`, metrics.json to data/checks, or refuse.

    A failed stage leaves no output of a success: where an error failed, the same report goes to
    `.fieldguide/failed-checks.json` instead, and both files of an earlier run are removed.

    Raises:
        ProblemsError: expectations of severity `error` that failed, with table, expectation and rows.
    """
    made = list(outcomes)
    report = {"checks": [asdict(outcome) for outcome in made]}
    path, metrics_path = paths.checks / "checks.json", paths.checks / "metrics.json"
    failed_path = paths.state / "failed-checks.json"
    failed = _failed(made)
    if failed:
        path.unlink(missing_ok=True)
        metrics_path.unlink(missing_ok=True)
        write_json(failed_path, report)
        problems = [
            Problem(o.table, f"expected: {o.expectation}; {o.unexpected} at fault: {_shown(o)}") for o in failed
        ]
        raise ProblemsError(f"{len(failed)} of {len(made)} expectations failed (all: {failed_path}):", problems)
    write_json(path, report)
    write_json(metrics_path, metrics(made))
    failed_path.unlink(missing_ok=True)


def metrics(outcomes: Iterable[Outcome]) -> dict[str, dict[str, int]]:
    """By table: how many expectations it has, how many of them failed (as warnings), and at how many rows."""
    found: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        counts = found.setdefault(outcome.table, {"expectations": 0, "warnings": 0, "rows_at_fault": 0})
        counts["expectations"] += 1
        counts["warnings"] += not outcome.success
        counts["rows_at_fault"] += outcome.unexpected
    return found


def run_suites(asked: Iterable[Suite]) -> Iterator[Outcome]:
    """Validate suites one after the other; outcomes in the order of their expectations."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, when it is imported
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    # Its own default would make a temporary folder for a site of documents.
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    settings = DataContextConfig(
        store_backend_defaults=stores, progress_bars={"globally": False}, analytics_enabled=False
    )
    source = gx.get_context(mode="ephemeral", project_config=settings).data_sources.add_pandas("tables")
    for number, suite in enumerate(asked):
        asset = source.add_dataframe_asset(f"{suite.table}-{number}")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": suite.frame})
        yield from _validated(gx, batch, suite)


def _validated(gx: Any, batch: Any, suite: Suite) -> Iterator[Outcome]:
    expectations = [
        getattr(gx.expectations, expected.kind)(**expected.arguments, meta={"place": place})
        for place, expected in enumerate(suite.expectations)
    ]
    result = batch.validate(
        gx.ExpectationSuite(name=suite.table, expectations=expectations),
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": list(suite.key)},
    )
    # Great Expectations answers in an order of its own.
    for validated in sorted(result.results, key=lambda one: one.expectation_config.meta["place"]):
        expected = suite.expectations[validated.expectation_config.meta["place"]]
        rows = [] if validated.success else _rows(suite, validated)
        unexpected = 0 if validated.success else int(validated.result.get("unexpected_count") or 1)
        yield Outcome(
            suite.table, expected.title, expected.severity, bool(validated.success), unexpected, tuple(rows[:ROWS])
        )


def _rows(suite: Suite, validated: Any) -> list[str]:
    """Keys of the rows at fault."""
    result = validated.result
    if not result:
        # No answer at all: the expectation itself broke, which is a defect of ours and no finding about the data.
        raise FieldguideError(f"{suite.table}: could not be checked: {validated.exception_info}")
    return [" ".join(str(row[name]) for name in suite.key) for row in result["unexpected_index_list"]]


def _failed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if not outcome.success and outcome.severity == "error"]


def _shown(outcome: Outcome) -> str:
    more = outcome.unexpected - len(outcome.rows)
    return "; ".join(outcome.rows) + (f"; ... and {more} more" if more > 0 and outcome.rows else "")
