"""`fieldguide init --import`: a project that audits a published benchmark and evaluates runs on it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app

# The form of published benchmarks: VisRet's Visual-RAG-ME.
QUESTIONS = [
    {
        "images": {"entity_1": {f"rose {n}.jpg".replace(" ", "_"): n % 2 for n in range(6)},
                   "entity_2": {f"thorn_{n}.jpg": int(n == 5) for n in range(6)}},
        "answer": ["The first."], "question": "Which has the paler petals, a rose or a thorn?", "sn": ["Rosa", "Spina"],
    }
]  # fmt: skip


def published(folder: Path, name: str = "roses.jsonl", questions: Sequence[object] = QUESTIONS) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    return path


def init(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["init", *arguments])
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


def repro(project: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "dvc", "repro"]
    done = subprocess.run(command, cwd=project, env={**os.environ, "PATH": path}, capture_output=True, text=True)  # noqa: PLW1510
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def systems(project: Path) -> set[str]:
    with (project / "data/evaluation/values.csv").open(newline="") as stream:
        return {row["system"] for row in csv.DictReader(stream)}


def test_it_audits_and_evaluates_and_one_more_run_is_one_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = init("roses", "--import", str(published(tmp_path)))
    assert "1 questions, 2 subtopics, 12 images, 12 labels, 4 relevant" in told
    project = tmp_path / "roses"
    repro(project)
    assert "<html" in (project / "data/audit/audit.html").read_text()
    assert (project / "data/collection/qrels/qrels.parquet").exists()
    assert systems(project) == {"file-order"}
    best = [f"t0001.e1 Q0 rose_{n}.jpg {n} {-n} mine\n" for n in (1, 3, 5)]
    (project / "data/external/mine.trec").write_text("".join(best))
    said = repro(project)
    assert "Stage 'import' didn't change" in said
    assert "Running stage 'evaluate'" in said
    assert systems(project) == {"file-order", "mine"}


def test_captions_are_evaluated_as_published_and_the_order_of_the_file_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images = [
        {"filename": f"{n}.jpg", "split": "test", "sentences": [{"raw": f"Rose {n}.", "sentid": n}]} for n in range(40)
    ]
    (tmp_path / "dataset_roses.json").write_text(json.dumps({"images": images}))
    assert "40 questions, 40 subtopics, 40 images, 40 labels, 40 relevant" in init(
        "roses", "--import", "dataset_roses.json"
    )
    monkeypatch.chdir(tmp_path / "roses")
    command = "fieldguide evaluate data/external --qrels data/published/dataset_roses.json --baseline file-order"
    for file in ("README.md", "dvc.yaml"):
        assert f"{command} --preset karpathy" in " ".join(Path(file).read_text().split())
    words = f"{command} --preset karpathy --json".split()[1:]
    found = {row["measure"]: row["mean"] for row in json.loads(CliRunner().invoke(app, words).output)["leaderboard"]}
    assert (found["R@1"], found["R@5"], found["R@10"]) == (1 / 40, 5 / 40, 10 / 40)  # as chance


def test_names_with_blanks_are_scored_by_image_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blank = [
        {"images": {"entity_1": {"a rose.jpg": 1, "b.jpg": 0}}, "answer": ["x"], "question": "Which?", "sn": ["R"]}
    ]
    init("roses", "--import", str(published(tmp_path, questions=blank)))
    project = tmp_path / "roses"
    assert "--qrels data/collection" in (project / "dvc.yaml").read_text()
    repro(project)
    assert systems(project) == {"file-order"}
    assert "image_id" in (project / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("ro ses; rm -rf x.jsonl", None, "allowed in its name are A-Z"),
        ("roses.jsonl", "nothing that is known", "roses.jsonl"),
        (
            "roses.jsonl",
            '{"images": {"entity_1": {"a.jpg": "yes"}}, "answer": [], "question": "?", "sn": ["R"]}',
            "label",
        ),
    ],
)
def test_what_cannot_be_imported_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = published(tmp_path, name)
    if content is not None:
        path.write_text(content)
    done = CliRunner().invoke(app, ["init", "roses", "--import", str(path)])
    assert done.exit_code == 1
    assert expected in str(done.exception)
    assert not (tmp_path / "roses").exists()


def test_a_manifest_brings_its_photographs_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "pictures"
    (home / "deep").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"s")
    for n in range(4):
        (home / "deep" / f"{n}.jpg").write_bytes(b"%d" % n)
    (home / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    rows = [f"deep/{n}.jpg;Herring Gull;{'train' if n < 2 else 'test'};CC0-1.0" for n in range(4)]
    hostile = [f"{name};Herring Gull;test;CC0-1.0" for name in ("link.jpg", "../secret.jpg", "none.jpg")]
    lines = [f"{line};k{number}" for number, line in enumerate([*rows, *hostile])]
    (home / "list.csv").write_text("\n".join(["path;entity;split;licence;key", *lines]))
    told = init("gulls", "--manifest", "pictures/list.csv")
    assert "link.jpg, ../secret.jpg, none.jpg" in told
    place = tmp_path / "gulls/data/input/photographs/gulls"
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    assert found == {"list.csv", *(f"deep/{n}.jpg" for n in range(4))}
    params = (tmp_path / "gulls/params.yaml").read_text()
    assert 'splits: {"test": "gallery", "train": "train"}' in params
    assert "train_share" not in params


def test_one_beginning_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["init", "roses", "--from", "a", "--import", "b"])
    assert "give one of them" in str(done.exception)


def test_a_published_folder_is_taken_without_following_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "small-beir"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "A rose"}\n')
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta.jpg\t1\n")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    init("roses", "--import", str(folder))
    place = tmp_path / "roses/data/published/small-beir"
    assert sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if not p.is_dir()) == [
        "qrels/test.tsv", "queries.jsonl",
    ]  # fmt: skip
