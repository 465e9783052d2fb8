"""Foreign runs against any collection: numbers by hand, what is missing or unjudged is said, mistakes are told."""

import gzip
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval
from typer.testing import CliRunner, Result

from fieldguide.cli.evaluate import split_measures
from fieldguide.cli.main import app, main
from fieldguide.cli.views.evaluate import MOST, board_rows, comparison_rows, notes
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.evaluation.external.evaluate import as_json, evaluate_runs, settings
from fieldguide.evaluation.external.figures import write_figures
from fieldguide.evaluation.external.qrels import read_judged
from fieldguide.evaluation.measures import chance
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.topics import Topic, write_records
from tests.published import VISUAL_RAG_ME, benchmarks

__all__ = ["benchmarks"]  # a fixture

QRELS_TEXT = "t1.e1 0 a 1\nt1.e1 0 b 0\nt1.e2 0 a 1\nt1.e2 0 b 0\nt2.e1 0 c 1\nt2.e1 0 d 0\nt2.e1 0 e 0\nt2.e1 0 f 0\n"
# Best first.
GOOD = {"t1.e1": "ab", "t1.e2": "ab", "t2.e1": "cdef"}
POOR = {"t1.e1": "ba", "t1.e2": "ab", "t2.e1": "dxcef"}


def write(path: Path, ranked: Mapping[str, Sequence[str]], system: str) -> Path:
    lines = [f"{s} Q0 {i} 0 {-n} {system}\n" for s, images in ranked.items() for n, i in enumerate(images)]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    path = tmp_path / "qrels.txt"
    path.write_text(QRELS_TEXT)
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / "good.trec", GOOD, "good"), write(tmp_path / "poor.trec", POOR, "poor_$1")]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def mean(rows: list[dict[str, Any]], system: str, measure: str) -> float:
    [row] = [row for row in rows if (row["system"], row["measure"]) == (system, measure)]
    return float(row["mean"])


def test_means_are_those_by_hand(qrels: Path, two: list[Path]) -> None:
    found = evaluate_runs(two, read_judged(qrels), settings(["RR", "P@1"]))
    assert mean(found.leaderboard, "good", "RR") == 1
    assert mean(found.leaderboard, "poor_$1", "RR") == pytest.approx((1 / 2 + 1 + 1 / 3) / 3, abs=1e-6)
    assert {(row["topics"], row["subtopics"]) for row in found.leaderboard} == {(2, 3)}
    by_topic = evaluate_runs(two, read_judged(qrels), settings(["RR", "P@1"]), by="topic")
    assert mean(by_topic.leaderboard, "poor_$1", "RR") == pytest.approx((3 / 4 + 1 / 3) / 2, abs=1e-6)
    [row] = by_topic.differences
    assert (row["system"], row["baseline"], row["wins"], row["losses"]) == ("poor_$1", "good", 0, 2)


def test_chance_is_the_mean_over_pools(qrels: Path, two: list[Path]) -> None:
    """P@1 of a random order: 1/2, 1/2 and 1/4; both entities in the top 1: 1/2 * 1/2 for t1, 1/4 for t2."""
    for by, first, both in (("subtopic", 1.25 / 3, 1 / 4), ("topic", 3 / 8, 1 / 4)):
        found = evaluate_runs(two, read_judged(qrels), settings(["P@1", "both_entities@1"]), by=by)
        assert found.chance["P@1"] == pytest.approx(first, abs=1e-6)
        assert found.chance["both_entities@1"] == pytest.approx(both, abs=1e-6)
    found = evaluate_runs(two, read_judged(qrels), settings(["alpha_nDCG@5"]))
    assert found.chance["alpha_nDCG@5"] is None


def test_chance_of_equal_pools_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-five thousand captions have one image each."""
    (tmp_path / "q").write_text("".join(f"q{n} 0 i{n} 1\nq{n} 0 j{n} 0\n" for n in range(50)))
    path = write(tmp_path / "r", {f"q{n}": [f"i{n}"] for n in range(50)}, "sys")
    asked: list[Any] = []
    expected = chance.expected
    monkeypatch.setattr(chance, "expected", lambda *given: asked.append(given) or expected(*given))
    found = evaluate_runs([path], read_judged(tmp_path / "q"), settings(["R@1"]))
    assert found.chance["R@1"] == 0.5
    assert len(asked) == 2  # R@1 and Judged@10


def test_values_are_those_of_trec_eval(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    grades = {f"q{n}": {f"i{i}": int(rng.integers(0, 3)) for i in range(20)} for n in range(15)}
    scores = {f"q{n}": {f"i{i}": float(rng.integers(0, 4)) for i in range(25)} for n in range(15)}
    (tmp_path / "q").write_text("".join(f"{q} 0 {i} {g}\n" for q, row in grades.items() for i, g in row.items()))
    (tmp_path / "r").write_bytes(
        gzip.compress("".join(f"{q} Q0 {i} 1 {s} sys\r\n" for q, r in scores.items() for i, s in r.items()).encode())
    )
    found = evaluate_runs([tmp_path / "r"], read_judged(tmp_path / "q"), settings(["nDCG@10", "AP"]))
    theirs = pytrec_eval.RelevanceEvaluator(grades, {"ndcg_cut.10", "map"}).evaluate(scores)
    for row in found.values[found.values["measure"] != "Judged@10"].itertuples():
        name = {"nDCG@10": "ndcg_cut_10", "AP": "map"}[row.measure]
        assert row.value == pytest.approx(theirs[row.subtopic_id][name], abs=1e-9)
    assert set(found.values["topic_id"]) == set(grades)


def test_what_is_missing_unknown_or_unjudged_is_said(tmp_path: Path, qrels: Path) -> None:
    path = write(tmp_path / "r", {"t1.e1": "axyz", "t9.e1": "ab"}, "sys")
    found = evaluate_runs([path], read_judged(qrels), settings(["RR"]))
    [noticed] = found.runs
    assert (noticed.lines, noticed.unjudged) == (4, 0.75)
    assert (noticed.missing, noticed.unknown) == (("t1.e2", "t2.e1"), ("t9.e1",))
    said = list(notes(found))
    assert said[-4].startswith("Of a run that ranks other images too, chance is lower")
    assert said[-3:] == [
        "warning: sys: no line for 2 judged subtopics; they count with the measure's default, mostly 0: t1.e2, t2.e1",
        "warning: sys: 1 subtopics without a judgment are not scored: t9.e1",
        "warning: sys: 75.0% of 4 lines are not judged and count as not relevant",
    ]
    assert [row["system"] for row in board_rows(found)] == ["sys", "(chance)"]
    assert next(board_rows(found))["unjudged lines"] == "75.0%"
    path = write(tmp_path / "r", {"t1.e1": "xy"}, "sys")
    assert list(notes(evaluate_runs([path], read_judged(qrels), settings(["RR"]))))[-1] == (
        "warning: sys: not one ranked image is judged; are ids written alike? It ranks x, the collection has a"
    )


def test_a_run_by_topic_is_no_missing_one(tmp_path: Path, qrels: Path) -> None:
    path = write(tmp_path / "r", {"t1": "ab", "t2": "cd"}, "sys")
    [noticed] = evaluate_runs([path], read_judged(qrels), settings(["both_entities@1"])).runs
    assert (noticed.missing, noticed.unknown) == ((), ())
    found = evaluate_runs([path], read_judged(qrels), settings(["RR", "both_entities@1"]))
    assert dict(zip(found.values["topic_id"] + found.values["measure"], found.values["value"], strict=True)) == {
        "t1RR": 1.0, "t2RR": 1.0, "t1both_entities@1": 1.0, "t2both_entities@1": 1.0, "t1Judged@10": 1.0,
        "t2Judged@10": 1.0,
    }  # fmt: skip
    strange = write(tmp_path / "s", {"t7": "ab"}, "sys")
    with pytest.raises(FieldguideError, match="ranks no subtopic that is judged; it ranks t7; judged in"):
        evaluate_runs([strange], read_judged(qrels), settings(["RR"]))


def test_systems_of_one_name_are_called_as_their_files(tmp_path: Path, qrels: Path) -> None:
    paths = [write(tmp_path / name, GOOD, "STANDARD") for name in ("a.trec", "b.v2.trec")]
    found = evaluate_runs(paths, read_judged(qrels), settings(["RR"], baseline="b.v2"))
    assert [one.system for one in found.runs] == ["a", "b.v2"]
    with pytest.raises(FieldguideError, match=r"--baseline 'c' is none of the systems: a, b\.v2$"):
        evaluate_runs(paths, read_judged(qrels), settings(["RR"], baseline="c"))
    with pytest.raises(ProblemsError, match=r"named twice:\n.*a\.trec: is given twice"):
        evaluate_runs([paths[0]] * 2, read_judged(qrels), settings(["RR"]))


def test_mistakes_are_told_with_file_and_line(tmp_path: Path, qrels: Path) -> None:
    (tmp_path / "r").write_text("t1.e1 Q0 a 1 nan sys\n")
    with pytest.raises(ProblemsError, match=r"r:1: score is nan; expected a finite number"):
        evaluate_runs([tmp_path / "r"], read_judged(qrels), settings(["RR"]))
    (tmp_path / "r").write_text("\n")
    with pytest.raises(FieldguideError, match=r"r: the run has no line$"):
        evaluate_runs([tmp_path / "r"], read_judged(qrels), settings(["RR"]))
    with pytest.raises(ProblemsError, match=r"--measures\.0: 'nDGC@10' is no measure"):
        evaluate_runs([], read_judged(qrels), settings(["nDGC@10"]))
    with pytest.raises(FieldguideError, match=r"nix: no such file or folder$"):
        read_judged(tmp_path / "nix")
    (tmp_path / "empty").write_text("")
    with pytest.raises(FieldguideError, match=r"empty: holds no judgment$"):
        read_judged(tmp_path / "empty")
    (tmp_path / "q").write_text("t1.e1 0 a\n")
    with pytest.raises(ProblemsError, match=r"q:1: has 3 columns; expected 4: subtopic_id 0 image_id grade$"):
        read_judged(tmp_path / "q")


def table(folder: Path, subtopics: list[str]) -> None:
    rows = [
        {"subtopic_id": s, "image_id": i, "grade": g, "assessors": ["x"], "judgments": 1, "decided_by": "single"}
        for s in subtopics
        for i, g in (("a", 1), ("b", 0))
    ]
    QRELS.write(folder / "qrels.parquet", QRELS.frame(rows))


def test_the_houses_own_tables_say_topics_and_entities(tmp_path: Path, two: list[Path]) -> None:
    folder = tmp_path / "data" / "qrels"
    folder.mkdir(parents=True)
    table(folder, ["t1.e1", "t1.e2"])
    for path in (tmp_path, tmp_path / "data", folder, folder / "qrels.parquet"):
        judged = read_judged(path)
        assert judged.entities is None
        assert judged.topics == {"t1.e1": "t1", "t1.e2": "t1"}
        assert dict(judged.pools) == {"t1.e1": (1, 0), "t1.e2": (1, 0)}
    topic = Topic("t1", "comparison", "f", "Which?", ("oak", "elm"), "leaf", "leaf", "oak", {"oak": "x", "elm": "y"})
    write_records(tmp_path / "data" / "topics" / "topics.jsonl", [topic])
    assert read_judged(tmp_path).entities == {"t1.e1": "oak", "t1.e2": "elm"}
    assert mean(evaluate_runs(two, read_judged(tmp_path), settings(["RR"])).leaderboard, "good", "RR") == 1
    pooled = [
        {"subtopic_id": s, "image_id": i, "systems": [], "ranks": [], "best_rank": None, "sampled": True}
        for s in ("t1.e1", "t7.e1")
        for i in "ac"
    ]
    POOLS.write(tmp_path / "data" / "pools.parquet", POOLS.frame(pooled))
    assert dict(read_judged(tmp_path).pools) == {"t1.e1": (1, 0, None), "t1.e2": (1, 0)}
    table(folder, ["t1.e1", "t7.e1"])
    with pytest.raises(FieldguideError, match=r"subtopic t7\.e1 is not in .*topics\.jsonl \(nor are 0 others\)"):
        read_judged(tmp_path)


def test_a_published_file_is_judgments_too(benchmarks: Path, tmp_path: Path) -> None:
    judged = read_judged(benchmarks / VISUAL_RAG_ME)
    ranked = "".join(f"{s} Q0 {i} 1 {-g} oracle\n" for s, i, g in judged.qrels.itertuples(index=False))
    (tmp_path / "r").write_text(ranked.replace(" -1 oracle", " 1 oracle"))
    found = evaluate_runs([tmp_path / "r"], judged, settings(["RR", "nDCG@10", "visret_nDCG@10"]))
    assert mean(found.leaderboard, "oracle", "nDCG@10") == 1
    assert found.leaderboard[0]["topics"] == 50
    assert found.chance["visret_nDCG@10"] == pytest.approx(0.241, abs=2e-3)
    assert found.chance["nDCG@10"] == pytest.approx(0.086, abs=1e-3)


def test_the_command_prints_writes_and_answers_json(tmp_path: Path, qrels: Path, two: list[Path]) -> None:
    shown = run(*two, "--qrels", qrels, "-m", "RR, P@1", "--csv", tmp_path / "v.csv", "--figures", tmp_path / "f")
    assert shown.exit_code == 0, shown.output
    assert "0.611" in shown.output
    assert "(chance)" in shown.output
    assert "poor_$1 - good" in shown.output
    lines = (tmp_path / "v.csv").read_text().splitlines()
    assert lines[0] == "system,topic_id,subtopic_id,measure,value,defaulted"
    assert "poor_$1,t1,t1.e1,RR,0.5,False" in lines
    assert len(lines) == 1 + 2 * 3 * 3  # systems, subtopics, measures with Judged@10
    names = {path.name for path in (tmp_path / "f").iterdir()}
    assert names == {f"{n}.{e}" for n in ("leaderboard", "differences", "topics") for e in ("svg", "png")}
    found = run(*two, "--qrels", qrels, "--json", "--by", "topic")
    document = json.loads(found.output)
    assert document["by"] == "topic"
    assert {len(document[key]) for key in ("runs", "measures")} == {2, 7}
    assert [row["value"] for row in document["values"] if row["measure"] == "RR"] == [1, 1, 0.75, 1 / 3]


def test_the_command_ends_with_1_on_wrong_files_and_2_on_wrong_usage(
    qrels: Path, two: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["fieldguide", "evaluate", str(qrels), "--qrels", str(qrels)])
    with pytest.raises(
        SystemExit, match=r"^fieldguide: .*qrels\.txt is not a valid run:\n.*qrels\.txt:1: has 4 columns"
    ):
        main()  # a text is status 1
    assert run(*two).exit_code == 2
    assert run(*two, "--qrels", qrels, "--by", "image").exit_code == 2
    told = run("--help").output
    assert "Examples:" in told
    assert "Exit status: 0" in told


def test_figures_have_the_same_bytes_and_show_names_as_they_are(tmp_path: Path, qrels: Path, two: list[Path]) -> None:
    found = evaluate_runs(two, read_judged(qrels), settings(["RR", "P@1", "AP", "nDCG@10"]))
    first, second = write_figures(tmp_path / "1", found), write_figures(tmp_path / "2", found)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert "poor_$1" in (tmp_path / "1" / "leaderboard.svg").read_text()
    assert "poor_$1 − good" in (tmp_path / "1" / "differences.svg").read_text()
    one = evaluate_runs(two[:1], read_judged(qrels), settings(["RR"]))
    assert len(write_figures(tmp_path / "3", one)) == 4  # nothing to compare


def test_many_comparisons_are_cut_and_it_is_said(tmp_path: Path, qrels: Path) -> None:
    paths = [write(tmp_path / f"{n}.trec", GOOD if n % 2 else POOR, f"s{n}") for n in range(8)]
    found = evaluate_runs(paths, read_judged(qrels), settings(["RR"]))
    assert len(list(comparison_rows(found))) == MOST
    assert "8 more comparisons: --json has them; --baseline NAME asks for some." in list(notes(found))
    against = evaluate_runs(paths, read_judged(qrels), settings(["RR"], baseline="s3"))
    assert {row["baseline"] for row in against.differences} == {"s3"}
    assert len(against.differences) == 7


def test_commas_inside_brackets_part_no_measures() -> None:
    assert split_measures(["nDCG@10,AP", "P(rel=2,judged_only=True)@5, RR"]) == [
        "nDCG@10", "AP", "P(rel=2,judged_only=True)@5", "RR",
    ]  # fmt: skip
    assert split_measures(None) == []


def test_json_holds_everything(qrels: Path, two: list[Path]) -> None:
    document = as_json(evaluate_runs(two, read_judged(qrels), settings(["RR"])))
    assert set(document) == {
        "collection", "by", "preset", "measures", "confidence", "runs", "leaderboard", "comparisons", "chance",
        "values",
    }  # fmt: skip


def test_names_cannot_steer_a_terminal(tmp_path: Path, qrels: Path) -> None:
    path = write(tmp_path / "r", {"t1.e1": "ab", "t\x1b[2J": "a"}, "sys\x1b[31m\u202e")
    shown = run(path, "--qrels", qrels, "-m", "RR").output
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "sys\\x1b[31m\\u202e" in shown
    assert "not scored: t\\x1b[2J" in shown
