"""The stage `fitness`, its command, and its section of the report."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import write_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.fitness.assess import families, measured_disagreement
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.fitness import fitness as section
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import AGREEMENT_VERSION, POOLS, QRELS, in_pools
from flows.fitness import fitness as stage
from tests.builders import SYSTEMS, judge_whole_gallery, rewrite, tiny_benchmark, tiny_params
from tests.finished import assessed
from tests.steps import run_step


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    made = tiny_benchmark(tmp_path_factory.mktemp("tiny"))
    run_step(stage, tiny_params(), made)
    return made


def values(paths: Paths) -> dict[str, Any]:
    return dict(json.loads(paths.fitness.read_text()))


def test_every_board_is_asked_everything(paths: Paths) -> None:
    found = values(paths)
    assert found["measure"] == "nDCG@10"
    assert [(b["track"], b["kind"], b["topics"], b["subtopics"]) for b in found["boards"]] == [
        ("fullrank", "comparison", 4, 8), ("fullrank", "entity", 3, 3),
        ("rerank", "comparison", 4, 8), ("rerank", "entity", 3, 3),
    ]  # fmt: skip
    for board in found["boards"]:
        assert {row["system"] for row in board["unjudged"]["systems"]} == set(SYSTEMS)
        assert (board["reusability"] is None) == (board["track"] == "rerank")
        assert board["noise"]["disagreement"] == 0.033
        assert not board["noise"]["measured"]
    assert {f["about"] for f in found["findings"]} == {"unjudged", "reusability", "noise", "chance", "duplicates"}


def test_where_labels_judge_the_whole_gallery_it_says_what_pools_would_have_missed(tmp_path: Path) -> None:
    from fieldguide.evaluation.leaderboard.evaluate import evaluate

    paths = tiny_benchmark(tmp_path)
    judge_whole_gallery(paths, pool_without=2)
    found = assessed(paths, tiny_params())
    scores = evaluate(tiny_params().evaluate, SYSTEMS, paths).leaderboard
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    QRELS.write(paths.qrels / "qrels.parquet", in_pools(qrels, POOLS.read(paths.pools)))
    alone = evaluate(tiny_params().evaluate, SYSTEMS, paths).leaderboard
    for board in found.boards:
        assert board.reusability is None
        assert (board.pooling is None) == (board.track == "rerank")
        assert all(row.judged == 1 for row in board.unjudged.systems)
        for rows, name in ((scores, "score"), (alone, "pooled")) if board.pooling else ():
            means = {
                row["system"]: row["mean"] for row in rows
                if (row["track"], row["kind"], row["measure"]) == (board.track, board.kind, "nDCG@10")
            }  # fmt: skip
            assert {row.system: getattr(row, name) for row in board.pooling.systems} == pytest.approx(means, abs=2e-6)
    losses = [board.pooling for board in found.boards if board.pooling]
    assert sum(loss.missed for loss in losses) == 2 * qrels["subtopic_id"].nunique()
    assert sum(loss.relevant for loss in losses) == int((qrels["grade"] > 0).sum())
    texts = [f.text for f in found.findings if f.about == "pooling"]
    assert len(texts) == 2
    assert texts[0].startswith(f"{losses[0].missed} of {losses[0].relevant} relevant images (")


def test_its_scores_are_the_leaderboards(paths: Paths) -> None:
    from fieldguide.evaluation.leaderboard.evaluate import evaluate

    scores = evaluate(tiny_params().evaluate, SYSTEMS, paths).leaderboard
    for board in values(paths)["boards"]:
        mine = {row["system"]: row["score"] for row in board["unjudged"]["systems"]}
        theirs = {
            row["system"]: row["mean"] for row in scores
            if (row["track"], row["kind"], row["measure"]) == (board["track"], board["kind"], "nDCG@10")
        }  # fmt: skip
        assert mine == pytest.approx(theirs, abs=2e-6)


def test_the_same_input_gives_the_same_bytes(paths: Paths) -> None:
    before = paths.fitness.read_bytes()
    run_step(stage, tiny_params(), paths)
    assert paths.fitness.read_bytes() == before


def test_bounds_hold_the_score_between_them(paths: Paths) -> None:
    rows = [row for board in values(paths)["boards"] for row in board["unjudged"]["systems"]]
    assert all(row["low"] <= row["score"] <= row["high"] for row in rows)


def test_planted_defects_of_all_kinds_are_found_together(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    images = IMAGES.read(paths.images)
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    subtopic = qrels["subtopic_id"].iloc[0]
    first, second = qrels[qrels["subtopic_id"] == subtopic].sort_values("grade")["image_id"].iloc[[0, -1]]
    near = {max(first, second): min(first, second)}
    rewrite(IMAGES, paths.images, near_duplicate_of=[near.get(image) for image in images["image_id"]])
    QRELS.write(paths.qrels / "qrels.parquet", qrels[qrels["image_id"].isin([first, second])])
    pools = POOLS.read(paths.pools)
    only = ["visret"]
    rewrite(POOLS, paths.pools, systems=[only] * len(pools), ranks=[[1]] * len(pools), sampled=False)
    found = assessed(paths, tiny_params())
    verdicts = {(f.about, f.where): f for f in found.findings}
    assert f"{min(first, second)} and {max(first, second)} for {subtopic}" in verdicts["duplicates", "corpus"].text
    assert verdicts["duplicates", "corpus"].verdict == "problem"
    assert verdicts["unjudged", "fullrank, comparison"].verdict == "note"
    lost = found.boards[0].reusability
    assert lost is not None
    assert {left.name: left.lost for left in lost} == {"text": 0, "visret": 16}


def test_what_people_disagreed_about_is_taken_where_it_was_measured(tmp_path: Path) -> None:
    kappas = [{"images": 10, "same": 0.9}, {"images": 30, "same": 0.7}, {"images": 0, "same": None}]
    assert measured_disagreement({"agreement": {"kappas": kappas}}) == pytest.approx(0.25)
    assert measured_disagreement({"agreement": {"kappas": kappas[2:]}}) is None
    assert measured_disagreement(None) is None
    paths = tiny_benchmark(tmp_path)
    write_json(paths.qrels / "agreement.json", {"schema_version": AGREEMENT_VERSION, "agreement": {"kappas": kappas}})
    noise = assessed(paths, tiny_params()).boards[0].noise
    assert (noise.disagreement, noise.measured) == (pytest.approx(0.25), True)
    assert section_of(paths)["assumed"] is None


def section_of(paths: Paths) -> Any:
    run_step(stage, tiny_params(), paths)
    return section(Benchmark(paths, tiny_params()))


def test_the_section_shows_what_is_not_in_order_first(paths: Paths) -> None:
    shown = section(Benchmark(paths, tiny_params()))
    found = values(paths)["findings"]
    problems = [card["text"] for card in shown["cards"] if card["verdict"] == "problem"]
    assert problems == [f["text"] for f in found if f["verdict"] == "problem"]
    assert len(shown["cards"]) + len(shown["in_order"].rows) == len(found) == sum(shown["counts"].values())
    assert shown["assumed"] == 0.033
    assert shown["boards"][0]["title"] == "Whole gallery, comparison questions"
    assert shown["boards"][2]["left_out"] is None


def test_families_are_named_or_the_kinds() -> None:
    params = tiny_params()
    kinds = {"random": ["random"], "text": ["text"], "visret": ["visret"]}
    assert families(params.fitness, SYSTEMS, params.systems) == kinds
    named = {"both": ["text", "visret"]}
    assert families(tiny_params(fitness={"families": named}).fitness, SYSTEMS, params.systems) == named
    with pytest.raises(ProblemsError, match=r"fitness\.families\.both\.0: 'nope' is not in retrieve\.systems; allowed"):
        tiny_params(fitness={"families": {"both": ["nope"]}})


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    with pytest.raises(FieldguideError, match="'Bpref' cannot be simulated; allowed: AP, "):
        assessed(paths, tiny_params(fitness={"measure": "Bpref"}))
    QRELS.write(paths.qrels / "qrels.parquet", QRELS.frame([]))
    with pytest.raises(FieldguideError, match="no judgment for any subtopic"):
        assessed(paths, tiny_params())


def test_the_command_prints_findings_or_everything(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(paths.root)
    (paths.root / "params.yaml").write_text(json.dumps(tiny_params().model_dump(mode="json")))
    shown = CliRunner().invoke(app, ["fitness"]).stdout
    assert "reusability" in shown
    assert "unjudged" in shown
    assert json.loads(CliRunner().invoke(app, ["fitness", "--json"]).stdout) == values(paths)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with pytest.raises(FieldguideError, match=r"fitness\.json: no such file"):
        _ = Benchmark(paths, tiny_params()).fitness
    write_json(paths.fitness, {"schema_version": 0})
    with pytest.raises(FieldguideError, match=r"is of version 0, expected 1; `dvc repro -f fitness` makes it anew"):
        _ = Benchmark(paths, tiny_params()).fitness
