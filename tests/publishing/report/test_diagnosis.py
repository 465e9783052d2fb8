"""The report says where failures come from and who notices a changed question."""

from __future__ import annotations

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.probing.probes import write_probes
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.page import write_report
from fieldguide.publishing.report.views.diagnosis import cause, fidelity, probes
from tests.publishing.report.conftest import Page, pages_of


@pytest.mark.parametrize(
    ("value", "verdict", "wanted"),
    [
        (0.5, "generation", "found"),
        (0.4, "faithful", "retrieval"),
        (0.4, "generation", "generation"),
        (0.4, "rewriting", "rewriting"),
        (0.0, "not drawn", "not drawn"),
        (0.0, None, "not told"),
    ],
)
def test_a_failure_is_placed_where_it_began(value: float, verdict: str | None, wanted: str) -> None:
    assert cause(value, verdict, found=0.5) == wanted


def test_every_subtopic_is_placed_once_for_each_system_that_looks_at_drawings(paths: Paths, params: Params) -> None:
    benchmark = Benchmark(paths, params)
    (row,) = fidelity(benchmark)["placed"].rows
    assert row[0] == "visret"
    assert sum(row[1:]) == len(benchmark.subtopics)


def test_reactions_stand_beside_their_verdict(paths: Paths, params: Params) -> None:
    view = probes(Benchmark(paths, params))
    assert view is not None
    assert view["overlaps"].rows == (
        ("text", "1.00 (same)", None, None, "0.25", "a bag of words: the order of words does not count"),
        ("visret", None, None, "0.75", None, "reacts to every change"),
    )
    assert view["scores"].rows == (
        ("text", "0.500", "0.500", None, None, "0.125"),
        ("visret", "0.625", None, None, "0.375", None),
    )
    assert view["skipped"].rows == (("t1", "feature dropped", "it says nothing of the feature"),)


def test_the_page_holds_both(pages: dict[str, Page]) -> None:
    page = pages["diagnosis.html"]
    assert "Where failures come from" in page.text
    assert "Who notices a changed question?" in page.text
    assert "a bag of words: the order of words does not count" in page.text


def test_without_probes_the_page_does_without(fresh: Paths, params: Params) -> None:
    write_probes(fresh.probes, [], [], {})
    write_report(params, fresh)
    text = pages_of(fresh)["diagnosis.html"].text
    assert "Where failures come from" in text
    assert "Who notices" not in text


@pytest.mark.parametrize("name", ["fidelity", "probes"])
def test_a_file_of_another_version_is_refused(fresh: Paths, params: Params, name: str) -> None:
    path = getattr(fresh, name)
    write_json(path, read_json(path) | {"schema_version": 99})
    with pytest.raises(FieldguideError, match=rf"{name}\.json: is of version 99, expected 1; `dvc repro -f diagnose`"):
        getattr(Benchmark(fresh, params), name)
