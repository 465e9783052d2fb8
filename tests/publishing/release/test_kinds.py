"""The card's figure comes out of the card's command, with ir_measures alone; the kinds' files add up to the whole."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import ir_measures
import pytest

from fieldguide.core.paths import Paths
from fieldguide.publishing.release.make import make_release
from fieldguide.records.runs import read_qrels_trec
from fieldguide.records.topics import read_topics
from tests.builders import tiny_params
from tests.finished import finished_benchmark
from tests.publishing.release.test_release import sign, told

COMMAND = re.compile(
    r"^    ir_measures (qrels/(?:comparison|entity)\.trec) (runs/\S+/(\S+)\.trec) (\S+)$", re.MULTILINE
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Not to be changed."""
    paths = finished_benchmark(tmp_path_factory.mktemp("kinds"), tiny_params())
    make_release(tiny_params(), paths)
    return paths


@pytest.fixture
def folder(paths: Paths, tmp_path: Path) -> Path:
    return Path(shutil.copytree(paths.release, tmp_path / "release"))


def figure(folder: Path, qrels: str, run: str, measure: str) -> str:
    value = ir_measures.parse_measure(measure)
    grades = ir_measures.read_trec_qrels(str(folder / qrels))
    found = ir_measures.calc_aggregate([value], grades, ir_measures.read_trec_run(str(folder / run)))
    return f"{found[value]:.3f}"


def test_the_command_of_the_card_gives_the_figure_of_the_card(paths: Paths) -> None:
    card = (paths.release / "README.md").read_text()
    (command,) = COMMAND.finditer(card)
    qrels, run, system, measure = command.groups()
    rows = dict(re.findall(r"^\| ([a-z0-9_-]+) \| .* \| ([0-9.]+) \| [0-9.]+ to ", card, re.MULTILINE))
    assert set(rows) == {"random", "text", "visret"} and len(set(rows.values())) > 1
    for name, stated in rows.items():
        assert figure(paths.release, qrels, run.replace(f"{system}.trec", f"{name}.trec"), measure) == stated
    assert rows[system] == max(rows.values())
    whole = {name: figure(paths.release, "qrels/qrels.trec", f"runs/fullrank/{name}.trec", measure) for name in rows}
    assert whole != rows  # else the files would not be needed here


def test_the_kinds_add_up_to_the_whole(paths: Paths) -> None:
    kinds = {topic.topic_id: topic.kind for topic in read_topics(paths.topics)}
    found = {kind: read_qrels_trec(paths.release / "qrels" / f"{kind}.trec") for kind in ("comparison", "entity")}
    whole = read_qrels_trec(paths.release / "qrels" / "qrels.trec")
    assert sum(map(len, found.values())) == len(whole)
    for kind, frame in found.items():
        assert {kinds[subtopic.rpartition(".")[0]] for subtopic in frame["subtopic_id"]} == {kind}


def _edit(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def defect(folder: Path) -> None:
        path = folder / "qrels" / name
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    return defect


def _flip(line: str) -> str:
    return f"{line[:-1]}{1 - int(line[-1])}"


@pytest.mark.parametrize(
    "defect",
    [
        _edit("comparison.trec", lambda lines: lines[1:]),
        _edit("comparison.trec", lambda lines: [_flip(lines[0]), *lines[1:]]),
        _edit("entity.trec", lambda lines: ["t9.e1 0 nowhere 1", *lines]),
        lambda folder: (folder / "qrels" / "entity.trec").unlink(),
        _edit("entity.trec", lambda lines: ["no qrels"]),
    ],
)
def test_a_changed_part_is_found_behind_right_checksums(folder: Path, defect: Callable[[Path], None]) -> None:
    defect(folder)
    sign(folder)
    found = told(folder)
    assert [
        p for p in found if re.match(r"qrels(/(comparison|entity)\.trec)?: (holds other grades|cannot be held)", p)
    ], found
