"""The stage `evaluate`: what it writes, what it says, and that it writes the same again."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.evaluation.leaderboard.evaluate import Evaluation, evaluate
from fieldguide.evaluation.leaderboard.rows import leaderboard
from fieldguide.evaluation.leaderboard.table import print_leaderboard
from fieldguide.params import Params
from fieldguide.records.judgments import QRELS
from fieldguide.records.runs import read_run
from fieldguide.records.scores import SCORES
from flows.evaluate import evaluate as stage
from tests.builders import SYSTEMS, judge_whole_gallery, tiny_benchmark, tiny_params
from tests.steps import run_step

FILES = ("scores.parquet", "leaderboard.json", "leaderboard.csv", "comparisons.json", "metrics.json")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    made = tiny_benchmark(tmp_path_factory.mktemp("tiny"))
    run_step(stage, tiny_params(), made)
    return made


def rows_of(paths: Paths, name: str) -> list[dict[str, object]]:
    return list(json.loads((paths.evaluation / name).read_text()))


def evaluated(params: Params, paths: Paths) -> Evaluation:
    return evaluate(params.evaluate, params.retrieve.systems, paths)


def test_every_system_is_on_every_board(paths: Paths) -> None:
    board = rows_of(paths, "leaderboard.json")
    measures = [*tiny_params().evaluate.measures, "Judged@10"]
    wanted = [
        (track, kind, system, measure)
        for track in ("fullrank", "rerank")
        for kind in ("comparison", "entity")
        for system in SYSTEMS
        for measure in measures
    ]
    assert [(r["track"], r["kind"], r["system"], r["measure"]) for r in board] == wanted
    assert {(r["kind"], r["topics"], r["subtopics"]) for r in board} == {("comparison", 4, 8), ("entity", 3, 3)}
    assert all(0 <= r["low"] <= r["mean"] <= r["high"] <= 1 for r in board)


def test_where_labels_judge_the_whole_gallery_each_track_has_its_own_judgments(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    pooled = evaluated(tiny_params(), paths).scores
    judge_whole_gallery(paths, pool_without=1)
    found = evaluated(tiny_params(), paths)
    assert "Judged@10" not in set(found.scores["measure"])  # all are
    key = ["system", "subtopic_id", "measure"]
    recall = found.scores[found.scores["measure"] == "R@30"].set_index(["track", *key])["value"]
    assert recall["fullrank"].tolist() == pooled[
        (pooled["track"] == "fullrank") & (pooled["measure"] == "R@30")
    ].set_index(key)["value"].tolist()  # fmt: skip
    assert recall["rerank"].max() == 1.0  # of what there is to be found in the pool


def test_means_are_means_over_subtopics(paths: Paths) -> None:
    scores = SCORES.read(paths.evaluation / "scores.parquet")
    for row in rows_of(paths, "leaderboard.json"):
        mine = scores[
            (
                scores[["track", "kind", "system", "measure"]] == pd.Series(row)[["track", "kind", "system", "measure"]]
            ).all(axis=1)
        ]
        assert len(mine) == row["subtopics"]
        assert row["mean"] == pytest.approx(mine["value"].mean(), abs=1e-6)


def test_differences_are_from_the_baseline(paths: Paths) -> None:
    board = {(r["track"], r["kind"], r["system"], r["measure"]): r["mean"] for r in rows_of(paths, "leaderboard.json")}
    found = rows_of(paths, "comparisons.json")
    assert len(found) == 2 * 2 * (2 * 9 + 1)  # every system less the baseline, and one more pair by the headline
    for row in found:
        key = (row["track"], row["kind"])
        difference = board[*key, row["system"], row["measure"]] - board[*key, row["baseline"], row["measure"]]
        assert row["difference"] == pytest.approx(difference, abs=2e-6)
        assert row["low"] <= row["difference"] <= row["high"]
        assert 0 < row["p"] <= row["q"] <= 1
        assert 0 < row["wilcoxon_p"] <= row["wilcoxon_q"] <= 1
        assert row["wins"] + row["ties"] + row["losses"] == {"comparison": 4, "entity": 3}[row["kind"]]
        assert row["design_effect"] >= 1
    others = {(r["system"], r["baseline"], r["measure"]) for r in found if r["baseline"] != "text"}
    assert len(others) == 1
    assert {measure for *_, measure in others} == {"nDCG@10"}


def test_tie_groups_are_those_of_the_corrected_pairs(paths: Paths) -> None:
    board = rows_of(paths, "leaderboard.json")
    assert {r["measure"] for r in board if r["group"] is not None} == {"nDCG@10"}
    group = {(r["track"], r["kind"], r["system"]): set(str(r["group"])) for r in board if r["group"] is not None}
    for row in rows_of(paths, "comparisons.json"):
        if row["measure"] == "nDCG@10":
            ours, theirs = (group[row["track"], row["kind"], row[side]] for side in ("system", "baseline"))
            assert (ours & theirs == set()) == (float(str(row["q"])) <= 0.05)


def test_metrics_and_csv_say_the_same(paths: Paths) -> None:
    board = rows_of(paths, "leaderboard.json")
    metrics = json.loads((paths.evaluation / "metrics.json").read_text())
    with (paths.evaluation / "leaderboard.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [float(row["mean"]) for row in table] == [row["mean"] for row in board]
    row = board[0]
    assert metrics[row["track"]][row["kind"]][row["system"]][row["measure"]] == round(row["mean"], 4)


def test_the_same_input_gives_the_same_bytes(paths: Paths) -> None:
    before = [(paths.evaluation / name).read_bytes() for name in FILES]
    run_step(stage, tiny_params(), paths)
    assert [(paths.evaluation / name).read_bytes() for name in FILES] == before


def test_a_subtopic_without_a_line_counts_as_zero_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tiny_benchmark(tmp_path)
    path = paths.run("fullrank", "visret")
    lines = path.read_text().splitlines(keepends=True)
    lost = lines[0].split()[0]
    path.write_text("".join(line for line in lines if not line.startswith(lost)))
    run_step(stage, tiny_params(), paths)
    assert (
        "fullrank/visret has no line for 1 subtopics: they count with the measure's default" in capsys.readouterr().out
    )
    scores = SCORES.read(paths.evaluation / "scores.parquet")
    defaulted = scores[scores["defaulted"].astype(bool)]
    assert set(zip(defaulted["track"], defaulted["system"], defaulted["subtopic_id"], strict=True)) == {
        ("fullrank", "visret", lost)
    }
    assert set(defaulted["value"]) == {0.0}


def test_unjudged_images_and_subtopics_show(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    best = read_run(paths.run("fullrank", "visret")).query("rank == 1")
    pairs = set(zip(best["subtopic_id"], best["image_id"], strict=True))
    unjudged = qrels["subtopic_id"].iloc[0]
    keep = [s != unjudged and (s, i) not in pairs for s, i in zip(qrels["subtopic_id"], qrels["image_id"], strict=True)]
    QRELS.write(paths.qrels / "qrels.parquet", qrels[keep])
    made = evaluated(tiny_params(), paths)
    assert made.unjudged == (unjudged,)
    judged = {
        r["mean"]
        for r in made.leaderboard
        if (r["measure"], r["system"], r["track"]) == ("Judged@10", "visret", "fullrank")
    }
    assert judged == {0.9}


def test_a_benchmark_without_judgments_or_with_bad_measures_is_refused(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    with pytest.raises(ProblemsError, match="'hits@10' is no measure"):
        evaluated(tiny_params(evaluate={"measures": ["hits@10"], "headline": "hits@10"}), paths)
    QRELS.write(paths.qrels / "qrels.parquet", QRELS.frame([]))
    with pytest.raises(FieldguideError, match=r"qrels\.parquet: no judgment for any subtopic"):
        evaluated(tiny_params(), paths)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_printed_table_fits_and_cuts_no_number(paths: Paths, width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    board = rows_of(paths, "leaderboard.json")
    print_leaderboard(board, rows_of(paths, "comparisons.json"), tiny_params().evaluate, console)
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    headline = next(r for r in board if (r["system"], r["measure"]) == ("random", "nDCG@10"))
    assert f"[{headline['low']:.3f}, {headline['high']:.3f}]" in text
    assert ("Judged@10" in text) == (width == 200)


def test_a_pipe_gets_the_whole_table_without_colours(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    board = rows_of(paths, "leaderboard.json")
    print_leaderboard(board, rows_of(paths, "comparisons.json"), tiny_params().evaluate)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "Judged@10" in text
    first = [line.split()[0] for line in text.splitlines() if line.strip().startswith(("visret", "text", "random"))]
    assert first[:3] == ["visret", "text", "random"]  # best first


def test_more_measures_are_compared_by_all_pairs_where_asked(tmp_path: Path) -> None:
    made = evaluated(tiny_params(evaluate={"baseline": "text", "compare": ["AP"]}), tiny_benchmark(tmp_path))
    others = {row["measure"] for row in made.comparisons if row["baseline"] != "text"}
    assert others == {"AP", "nDCG@10"}
    assert {row["measure"] for row in made.leaderboard if row["group"] is not None} == others


def test_systems_scored_on_other_subtopics_are_not_compared(paths: Paths) -> None:
    scores = SCORES.read(paths.evaluation / "scores.parquet")
    lost = (scores[["system", "measure", "track", "kind"]] == ["visret", "AP", "fullrank", "comparison"]).all(axis=1)
    with pytest.raises(ProblemsError, match="fullrank visret: AP has no value for") as caught:
        leaderboard(scores.drop(scores[lost].index[:2]), tiny_params().evaluate)
    assert "all have scores for the same subtopics" in str(caught.value)
    assert len(caught.value.problems) == 2
