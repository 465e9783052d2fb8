"""A preset measures as its publication does, in params.yaml and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import sklearn.metrics
from pydantic import ValidationError
from typer.testing import CliRunner, Result

from fieldguide.cli.evaluate import evaluate
from fieldguide.cli.main import app
from fieldguide.evaluation.external.evaluate import evaluate_runs, settings
from fieldguide.evaluation.external.qrels import read_judged
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.section import PRESETS, Evaluate


def section(**values: Any) -> Evaluate:
    return Evaluate.model_validate({"baseline": "text", **values})


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_stands_for_measures_and_headline(name: str) -> None:
    found = section(preset=name)
    assert [str(measure) for measure in parse_measures(found.measures)] == list(PRESETS[name].measures)
    assert found.headline == PRESETS[name].headline
    assert settings(preset=name).measures == found.measures


def test_what_is_stated_is_taken_as_it_is_stated() -> None:
    assert section(preset="visret-v3", headline="visret_nDCG@1").headline == "visret_nDCG@1"
    found = section(preset="inquire-rerank", measures=["P@5", "AP"])
    assert (found.measures, found.headline) == (["P@5", "AP"], "AP")
    assert section().headline == "nDCG@10"
    with pytest.raises(ValidationError, match="headline 'AP' is not among measures: P@5"):
        section(preset="inquire-rerank", measures=["P@5"])


@pytest.mark.parametrize("name", ["visret-v9", ["visret-v1"], 3])
def test_an_unknown_preset_is_told_with_those_that_there_are(name: Any) -> None:
    with pytest.raises(ValidationError, match="there are visret-v1, visret-v3" if name == "visret-v9" else "string"):
        section(preset=name)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A run and qrels of 20 queries with 100 images each, all judged, as in INQUIRE-Rerank; no two scores are equal."""
    rng = np.random.default_rng(5)
    labels = {f"q{n}": rng.random(100) < rng.uniform(0.01, 0.6) for n in range(20)}
    for row in labels.values():
        row[rng.integers(100)] = True
    scores = {query: rng.permutation(100) + row * 20.5 for query, row in labels.items()}
    run, qrels = tmp_path / "run.trec", tmp_path / "qrels.txt"
    run.write_text("".join(f"{q} Q0 i{i} 0 {s} sys\n" for q, row in scores.items() for i, s in enumerate(row)))
    qrels.write_text("".join(f"{q} 0 i{i} {int(r)}\n" for q, row in labels.items() for i, r in enumerate(row)))
    return run, qrels


def means(files: tuple[Path, Path], preset: str) -> dict[str, float]:
    found = evaluate_runs([files[0]], read_judged(files[1]), settings(preset=preset))
    return {row["measure"]: row["mean"] for row in found.leaderboard}


def rankings(files: tuple[Path, Path]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(relevances, scores) of each query, best first."""
    run, qrels = (np.loadtxt(path, dtype=str) for path in files)
    made = []
    for query in dict.fromkeys(run[:, 0]):
        scores, truth = run[run[:, 0] == query, 4].astype(float), qrels[qrels[:, 0] == query, 3].astype(int)
        order = np.argsort(-scores)
        made.append((truth[order], scores[order]))
    return made


def test_inquire_is_measured_as_its_code_does(files: tuple[Path, Path]) -> None:
    """`compute_retrieval_metrics` of its src/metrics.py, from its description."""
    ap = [sklearn.metrics.average_precision_score(truth, scores) for truth, scores in rankings(files)]
    ndcg = [sklearn.metrics.ndcg_score([truth], [scores]) for truth, scores in rankings(files)]
    rr = [1 / (1 + int(np.argmax(truth))) for truth, _ in rankings(files)]
    found = means(files, "inquire-rerank")
    for measure, values in (("AP", ap), ("nDCG", ndcg), ("RR", rr)):
        assert found[measure] == pytest.approx(np.mean(values), abs=1e-6)
    top = [(truth, truth[:50], scores[:50]) for truth, scores in rankings(files)]
    ap = [
        sklearn.metrics.average_precision_score(first, scores) * first.sum() / min(truth.sum(), 50)
        for truth, first, scores in top
    ]
    assert means(files, "inquire-fullrank")["inquire_AP@50"] == pytest.approx(np.mean(ap), abs=1e-6)


def test_visret_is_measured_as_its_code_does(files: tuple[Path, Path]) -> None:
    """`recall_at_k` and `ndcg_at_k` of its run_retrieval.py, from their description."""
    for k in (10, 30):
        top = [truth[:k] for truth, _ in rankings(files)]
        ndcg = [sklearn.metrics.ndcg_score([sorted(t, reverse=True)], [t]) if t.any() else 0.0 for t in top]
        for preset in ("visret-v1", "visret-v3"):
            assert means(files, preset)[f"visret_nDCG@{k}"] == pytest.approx(np.mean(ndcg), abs=1e-6)
        assert means(files, "visret-v1")[f"hit@{k}"] == pytest.approx(np.mean([t.any() for t in top]), abs=1e-6)


@pytest.mark.parametrize("folds", [1, 5])
def test_captions_are_measured_as_vse_does(tmp_path: Path, folds: int) -> None:
    """`t2i` of its evaluation.py, from its description: ranks of the captions' own images, a fold after the other."""
    images, each = 100, 3
    size = images // folds
    similar = np.random.default_rng(3).normal(size=(images * each, images)) + 2 * np.repeat(
        np.eye(images), each, axis=0
    )
    entries = [
        {"filename": f"{image}.jpg", "split": "test",
         "sentences": [{"raw": "a rose", "sentid": each * image + n} for n in range(each)]}
        for image in range(images)
    ]  # fmt: skip
    qrels, run = tmp_path / "dataset_coco.json", tmp_path / "run.trec"
    qrels.write_text(json.dumps({"images": entries}))
    lines, recalls = [], []
    for fold in range(folds):
        part = slice(fold * size, (fold + 1) * size)
        scores = similar[fold * size * each : (fold + 1) * size * each, part]
        order = np.argsort(-scores, axis=1)
        ranks = np.array([int(np.flatnonzero(row == n // each)[0]) for n, row in enumerate(order)])
        recalls.append([float((ranks < k).mean()) for k in (1, 5, 10)])
        lines += [
            f"s{fold * size * each + n} Q0 {fold * size + image}.jpg 0 {scores[n, image]} sys\n"
            for n, row in enumerate(order)
            for image in row[:10]
        ]
    run.write_text("".join(lines))
    found = means((run, qrels), "karpathy")
    assert [found[f"R@{k}"] for k in (1, 5, 10)] == pytest.approx(np.mean(recalls, axis=0), abs=1e-6)
    assert 0.2 < found["R@1"] < found["R@10"] < 1


def command(files: tuple[Path, Path], *more: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", str(files[0]), "--qrels", str(files[1]), *more])


def test_the_command_takes_a_preset_and_says_what_it_is(files: tuple[Path, Path]) -> None:
    told = command(files, "--preset", "visret-v3")
    assert told.exit_code == 0, told.output
    said = " ".join(told.output.split())
    assert "As visret-v3 measures, where each question's own images are ranked" in said
    assert "arXiv 2505.20291v2 and v3" in said
    assert "hit@1" not in said
    document = json.loads(command(files, "--preset", "visret-v3", "--json").output)
    assert (document["preset"], document["measures"]) == ("visret-v3", list(PRESETS["visret-v3"].measures))
    both = command(files, "--preset", "visret-v3", "-m", "AP")
    assert (both.exit_code, "--measures and --preset: give one of them" in str(both.exception)) == (1, True)


def test_the_command_knows_all_presets_and_its_help_shows_them() -> None:
    (choices, _) = get_args(get_type_hints(evaluate)["preset"])
    assert set(get_args(choices)) == set(PRESETS)
    shown = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).output
    assert all(name in shown for name in PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_documented(name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
    assert row.split("|")[2].split("`")[1] == PRESETS[name].headline
    assert all(f"`{measure}`" in row for measure in PRESETS[name].measures)
