"""Files as the peers publish them, scored as the peers score them: trec_eval, ndeval, BEIR, MS MARCO.

Made here after their documentation; no file of theirs is copied.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyndeval
import pytest
import pytrec_eval
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.cli.views.evaluate import notes
from fieldguide.core import files
from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.external.evaluate import External, evaluate_runs, settings
from fieldguide.evaluation.external.qrels import read_judged
from fieldguide.records.runs import read_qrels_trec, read_run

RANKED = {"101": "abcdef", "102": "fedcba", "103": "badcfe"}
GRADES = {"101": {"a": 1, "c": 2, "f": 0}, "102": {"a": 1, "b": 0}, "104": {"a": 3}}


def run_text(ranked: dict[str, str] = RANKED, trailing: str = "", system: str = "sys") -> str:
    return "".join(
        f"{topic}\tQ0  {image} {rank} {10 - rank} {system}{trailing}\n"
        for topic, images in ranked.items()
        for rank, image in enumerate(images, 1)
    )


def qrels_text(grades: dict[str, dict[str, int]] = GRADES) -> str:
    return "".join(
        f"{topic} 0 {image} {grade}\n" for topic, judged in grades.items() for image, grade in judged.items()
    )


def triples(grades: dict[str, dict[str, int]] = GRADES) -> list[tuple[str, str, int]]:
    return [(topic, image, grade) for topic, judged in grades.items() for image, grade in judged.items()]


def evaluated(folder: Path, run: str, qrels: Path, *measures: str) -> External:
    path = folder / "run.trec"
    path.write_text(run)
    return evaluate_runs([path], read_judged(qrels), settings(measures or ["nDCG@10", "AP", "P@5", "RR"]))


def values(found: External, measure: str) -> dict[str, float]:
    rows = found.values[found.values["measure"] == measure]
    return dict(zip(rows["topic_id"], rows["value"], strict=True))


def of_trec_eval(measure: str, ranked: dict[str, str], grades: dict[str, dict[str, int]]) -> dict[str, float]:
    run = {topic: {image: float(-n) for n, image in enumerate(images)} for topic, images in ranked.items()}
    scored = pytrec_eval.RelevanceEvaluator(grades, {measure}).evaluate(run)
    return {topic: next(iter(row.values())) for topic, row in scored.items()} | dict.fromkeys(
        set(grades) - set(run), 0.0
    )


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    path = tmp_path / "qrels.txt"
    path.write_text(qrels_text())
    return path


@pytest.mark.parametrize(("ours", "theirs"), [("nDCG@10", "ndcg_cut.10"), ("AP", "map"), ("RR", "recip_rank")])
def test_missing_topics_count_as_with_trec_evals_c(tmp_path: Path, qrels: Path, ours: str, theirs: str) -> None:
    found = values(evaluated(tmp_path, run_text(), qrels), ours)
    assert found == pytest.approx(of_trec_eval(theirs, RANKED, GRADES), abs=1e-6)
    assert sorted(found) == ["101", "102", "104"], "a topic without judgments is not scored"


def test_a_relevance_level_is_trec_evals_l(tmp_path: Path, qrels: Path) -> None:
    run = {topic: {image: float(-n) for n, image in enumerate(images)} for topic, images in RANKED.items()}
    wanted = pytrec_eval.RelevanceEvaluator(GRADES, {"map"}, relevance_level=2).evaluate(run)
    found = values(evaluated(tmp_path, run_text(), qrels, "AP(rel=2)"), "AP(rel=2)")
    assert found["101"] == pytest.approx(wanted["101"]["map"])


def test_exponential_gains_are_gdevals(tmp_path: Path, qrels: Path) -> None:
    """Beside the measure with plain gains, which must keep them."""
    exponential = "nDCG(dcg='exp-log2')@3"
    found = evaluated(tmp_path, run_text(), qrels, "nDCG@3", exponential)
    discount = 1 / np.log2(np.arange(2, 5))
    assert values(found, exponential)["101"] == pytest.approx((discount @ [1, 0, 3]) / (discount @ [3, 1, 0]))
    assert values(found, "nDCG@3")["101"] == pytest.approx((discount @ [1, 0, 2]) / (discount @ [2, 1, 0]))


def test_comments_and_text_after_the_last_column_are_passed_over(tmp_path: Path, qrels: Path) -> None:
    plain = evaluated(tmp_path, run_text(), qrels)
    (tmp_path / "commented.txt").write_text("# topic 0 image grade\n" + qrels_text() + "#end\n")
    odd = "# one two three four five\n  # six\n" + run_text(trailing=" extra text # 7") + "#\n"
    assert evaluated(tmp_path, odd, tmp_path / "commented.txt").leaderboard == plain.leaderboard
    found = read_run(tmp_path / "run.trec")
    assert set(found["subtopic_id"]) == set(RANKED)
    assert set(found["system"]) == {"sys"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("qrels.tsv", lambda text: text.replace(" ", "\t")),  # MS MARCO
        ("qrels.csv", lambda text: text),
        ("qrels", lambda text: "\ufeff" + text.replace("\n", "\r\n")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_content_and_no_suffix_tells_qrels(
    tmp_path: Path, qrels: Path, name: str, change: Callable[[str], str], packed: bool
) -> None:
    text = change(qrels_text()).encode()
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(text) if packed else text)
    assert evaluated(tmp_path, run_text(), path).leaderboard == evaluated(tmp_path, run_text(), qrels).leaderboard


def beir(folder: Path, grades: dict[str, dict[str, int]] = GRADES) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text("".join(f'{{"_id": "{topic}", "text": "q"}}\n' for topic in GRADES))
    images = [*"abcdef", *map(str, range(94))]
    corpus = "".join(f'{{"_id": "{image}", "title": "", "text": ""}}\n' for image in images)
    (folder / "corpus.jsonl").write_text(corpus)
    rows = "".join(f"{topic}\t{image}\t{grade}\n" for topic, image, grade in triples(grades))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return folder


def test_a_beir_folder_and_its_qrels_alone_are_judgments_by_the_querys_own_id(tmp_path: Path, qrels: Path) -> None:
    folder, plain = beir(tmp_path / "beir"), evaluated(tmp_path, run_text(), qrels)
    assert evaluated(tmp_path, run_text(), folder).leaderboard == plain.leaderboard
    assert evaluated(tmp_path, run_text(), folder / "qrels" / "test.tsv").leaderboard == plain.leaderboard


def test_a_trec_folder_with_topics_is_too(tmp_path: Path, qrels: Path) -> None:
    folder = tmp_path / "trec"
    folder.mkdir()
    shutil.copy(qrels, folder / "qrels.txt")
    (folder / "topics.tsv").write_text("".join(f"{topic}\tq\n" for topic in GRADES))
    plain = evaluated(tmp_path, run_text(), qrels)
    assert evaluated(tmp_path, run_text(), folder).leaderboard == plain.leaderboard


@pytest.mark.parametrize("name", ["labels.jsonl.gz", "labels.csv.gz", "labels.CSV", "labels"])
def test_a_packed_or_renamed_published_file_is_as_the_plain_one(tmp_path: Path, qrels: Path, name: str) -> None:
    rows = [
        {"topic_id": t, "question": "q", "image": i, "label": g}
        for t, judged in GRADES.items()
        for i, g in judged.items()
    ]
    if "jsonl" in name:
        lines = '{"question": "q", "answer": "a", "images": {"a.jpg": 1, "b.jpg": 0}}\n'
        (tmp_path / name).write_bytes(gzip.compress(lines.encode()))
        (tmp_path / "plain.jsonl").write_text(lines)
        assert read_judged(tmp_path / name).pools == read_judged(tmp_path / "plain.jsonl").pools
        return
    text = pd.DataFrame(rows).to_csv(index=False).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    plain = evaluated(tmp_path, run_text(), qrels)
    assert evaluated(tmp_path, run_text(), tmp_path / name).leaderboard == plain.leaderboard


DIVERSE = "1 1 a 1\n1 2 a 1\n1 2 b 1\n1 3 c 0\n2 1 d 1\n2 2 e 1\n"


def test_diversity_qrels_are_read_by_subtopic_as_ndeval_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "qrels"
    path.write_text(DIVERSE)
    found = read_qrels_trec(path)
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("1.e1", "a", 1), ("1.e2", "a", 1), ("1.e2", "b", 1), ("1.e3", "c", 0), ("2.e1", "d", 1), ("2.e2", "e", 1),
    ]  # fmt: skip
    qrels = [(*line.split()[:3], int(line.split()[3])) for line in DIVERSE.splitlines()]
    ranked = {"1": "cab", "2": "xde"}
    run = [(t, i, float(-n)) for t, images in ranked.items() for n, i in enumerate(images)]
    wanted = pyndeval.ndeval(qrels, run, measures=["alpha-nDCG@5"])
    got = values(evaluated(tmp_path, run_text(ranked), path, "alpha_nDCG@5"), "alpha_nDCG@5")
    assert got == pytest.approx({topic: row["alpha-nDCG@5"] for topic, row in wanted.items()}, abs=1e-6)


def test_a_list_a_topic_is_held_against_its_best_grade_for_any_subtopic(tmp_path: Path) -> None:
    path = tmp_path / "qrels"
    path.write_text(DIVERSE)
    ranked = {"1": "cab", "2": "xde"}
    found = evaluated(tmp_path, run_text(ranked), path, "P@1", "AP", "alpha_nDCG@5", "Judged@3")
    assert values(found, "P@1") == {"1": 0.0, "2": 0.0}
    grades = {"1": {"a": 1, "b": 1, "c": 0}, "2": {"d": 1, "e": 1}}
    assert values(found, "AP") == pytest.approx(of_trec_eval("map", ranked, grades))
    assert values(found, "Judged@3") == pytest.approx({"1": 1.0, "2": 2 / 3})
    assert found.runs[0].unjudged == pytest.approx(1 / 6, abs=1e-6)


def said(found: External) -> str:
    return "\n".join(notes(found))


def test_scores_that_contradict_the_ranks_are_scored_and_said(tmp_path: Path, qrels: Path) -> None:
    """Distances, say: trec_eval takes the greatest as the best, whatever the ranks are."""
    distances = "".join(f"101 Q0 {i} {n} {n / 10} s\n" for n, i in enumerate("abcdef", 1)) + "102 Q0 a 1 1 s\n"
    found = evaluated(tmp_path, distances, qrels)
    assert values(found, "AP")["101"] == pytest.approx(of_trec_eval("map", {"101": "fedcba"}, GRADES)["101"])
    assert "in 1 of 2 subtopics the scores contradict the ranks" in said(found)
    assert "scores contradict" not in said(evaluated(tmp_path, run_text(), qrels))


def test_equal_scores_are_said(tmp_path: Path, qrels: Path) -> None:
    equal = (
        "".join(f"{t} Q0 {i} {n} 1 s\n" for t in ("101", "103") for n, i in enumerate("abc", 1)) + "102 Q0 a 1 1 s\n"
    )
    found = evaluated(tmp_path, equal, qrels)
    assert "in 2 of 3 subtopics all scores are equal; the order is that of falling image ids" in said(found)
    ranks_tied = "".join(f"101 Q0 {i} 0 {-n} s\n" for n, i in enumerate("abc"))
    assert "scores are equal" not in said(evaluated(tmp_path, ranks_tied, qrels))


def test_chance_of_qrels_with_positives_only_is_that_of_the_corpus_or_not_stated(tmp_path: Path) -> None:
    positives = {topic: {i: g for i, g in judged.items() if g > 0} for topic, judged in GRADES.items()}
    (tmp_path / "q").write_text(qrels_text(positives))
    found = evaluated(tmp_path, run_text(), tmp_path / "q")
    assert set(found.chance.values()) == {None}
    assert "(chance) is not stated: only relevant images are judged" in said(found)
    found = evaluated(tmp_path, run_text(), beir(tmp_path / "beir", positives), "P@5", "AP")
    assert found.chance["P@5"] == pytest.approx(np.mean([2, 1, 1]) / 100, abs=1e-6)
    assert "a random order of all 100 images" in said(found)


def test_a_pipe_is_read_if_somebody_writes_to_it(tmp_path: Path, qrels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PIPE_SECONDS", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for attempt in (read_run, read_qrels_trec, read_judged):
        with pytest.raises(FieldguideError, match="is a pipe that nobody writes to"):
            attempt(pipe)
    read, write = os.pipe()
    os.write(write, run_text().encode())
    os.close(write)
    assert len(read_run(Path(f"/dev/fd/{read}"))) == 18
    os.close(read)
    result = CliRunner().invoke(app, ["evaluate", str(pipe), "--qrels", str(qrels)])
    assert result.exit_code != 0
